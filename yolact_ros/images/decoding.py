"""Pixels of image messages, of any client library: only their attributes are read.

That is why this module needs no ROS: bags are read with it on machines that have none.
"""

from __future__ import annotations

import importlib
import io
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.media.image_headers import parse_header
from yolact_core.media.ranges import BY_ENCODING, ImageRange
from yolact_ros.images.encodings import (
    DEPTH_ENCODINGS,
    ENCODINGS,
    SEMI_PLANAR_ENCODINGS,
    Encoding,
    SemiPlanarEncoding,
)

DTYPES, CHANNELS = (np.uint8, np.uint16), (1, 3, 4)  # that compressed images may have
MOST_PIXELS = 2**26  # of a compressed image; a few kilobytes may stand for gigabytes
JPEG_FORMAT = 'bgr8; jpeg compressed bgr8'  # the names of image_transport

Image = Any  # ``sensor_msgs/msg/Image`` of any client library
CompressedImage = Any  # ``sensor_msgs/msg/CompressedImage`` of any client library


def image_to_rgb(message: Image, image_range: ImageRange = BY_ENCODING) -> npt.NDArray[np.uint8]:
    """Convert an image of any encoding in ``encodings``, or else any that cv_bridge knows.

    Args:
        message: Image whose rows may be padded and of either byte order. It must not change while
            the result is in use, nor the result be written to: RGB without padding is not copied.
        image_range: Range of 16-bit values that becomes that of bytes.

    Returns:
        RGB, shape (H, W, 3).

    Raises:
        InputError: The message is malformed, or nothing knows its encoding.
    """
    if not message.height or not message.width:
        raise InputError(
            f'image must have at least one pixel, got {message.width} x {message.height}'
        )
    if encoding := ENCODINGS.get(message.encoding):
        pixels = read_pixels(message, encoding.kind, encoding.channels)
        return encoding.decode(pixels, image_range)
    if semi_planar := SEMI_PLANAR_ENCODINGS.get(message.encoding):
        return _decode_semi_planar(message, semi_planar)
    if message.encoding in DEPTH_ENCODINGS:
        raise InputError(
            f'image must show colours or brightness, got {message.encoding!r}, which is depth: '
            'choose a topic of colour images'
        )
    return _decode_with_cv_bridge(message)


def compressed_to_rgb(
    message: CompressedImage, image_range: ImageRange = BY_ENCODING
) -> npt.NDArray[np.uint8]:
    """Convert a JPEG or PNG image, or any other that OpenCV decodes.

    The message's ``format`` is read as image_transport writes it, such as
    ``bayer_rggb8; png compressed`` or ``rgb8; jpeg compressed bgr8``: the original's encoding, and
    the order in which its colours were given to the compressor, which takes them for BGR. The
    orientation in a JPEG's EXIF data is ignored: pixels stay where the camera has them.

    Args:
        message: Compressed image.
        image_range: Range of 16-bit values that becomes that of bytes.

    Returns:
        RGB, shape (H, W, 3).

    Raises:
        InputError: The data is cut off, too large an image, or none.
    """
    data = np.frombuffer(message.data, dtype=np.uint8)
    if 'compressedDepth' in message.format:
        raise InputError(
            f'image must show colours or brightness, got format {message.format!r}, which is '
            'depth: choose a topic of colour images'
        )
    pixels = decompress(data)
    if pixels is None or pixels.dtype not in DTYPES or pixels.shape[2] not in CHANNELS:
        raise InputError(
            f'compressed image must be a JPEG, PNG or other image of 8 or 16 bits, got '
            f'{data.size} bytes of format {message.format!r} that cannot be decoded as one'
        )
    return _encoding_of(pixels, message.format).decode(pixels, image_range)


def brightest(message: Image | CompressedImage) -> int | None:
    """Return the largest value in a readable image of 16 bits; None for one of 8 bits."""
    if hasattr(message, 'format'):
        pixels = _decompress(np.frombuffer(message.data, dtype=np.uint8))
    else:
        encoding = ENCODINGS.get(message.encoding)
        pixels = read_pixels(message, encoding.kind, encoding.channels) if encoding else None
    if pixels is None or pixels.dtype.itemsize == 1:
        return None
    return int(pixels.max())


def read_pixels(message: Image, kind: type[np.generic], channels: int) -> npt.NDArray[Any]:
    """Return the values of an image where they lie, shape (H, W, channels).

    Args:
        message: Image whose rows may be padded and of either byte order.
        kind: Type of a value.
        channels: Values per pixel.

    Raises:
        InputError: It has not as many bytes as it must have.
    """
    order = np.dtype(kind).newbyteorder('>' if message.is_bigendian else '<')
    pixel = channels * order.itemsize
    _check_layout(message, row=message.width * pixel, rows=message.height)
    pixels: npt.NDArray[Any] = np.ndarray(
        (message.height, message.width, channels),
        dtype=order,
        buffer=message.data,
        strides=(message.step, pixel, order.itemsize),
    )
    return pixels


def decompress(data: npt.NDArray[np.uint8]) -> npt.NDArray[Any] | None:
    """Return pixels as they are stored, shape (H, W, channels); None if they cannot be decoded.

    Args:
        data: Bytes of a compressed image. Colours are taken for BGR.

    Raises:
        InputError: It is cut off, or far too large.
    """
    header = parse_header(io.BytesIO(data.tobytes()))
    if header is None:  # what has no size has no bound
        return None
    if not header.is_whole:
        raise InputError(
            f'compressed image must be whole, but the end is missing after {data.size} bytes'
        )
    if header.size[0] * header.size[1] > MOST_PIXELS:
        raise InputError(
            f'compressed image must have at most {MOST_PIXELS} pixels, '
            f'got {header.size[1]} x {header.size[0]}'
        )
    return _decompress(data)


def encode_jpeg(rgb: npt.NDArray[np.uint8], quality: int = 80) -> npt.NDArray[np.uint8]:
    """Compress an image as ``JPEG_FORMAT`` says; returns bytes.

    Args:
        rgb: Shape (H, W, 3).
        quality: Quality of the JPEG in [1, 100].
    """
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(data, dtype=np.uint8)


def _decode_semi_planar(message: Image, encoding: SemiPlanarEncoding) -> npt.NDArray[np.uint8]:
    every = encoding.chroma_step
    chroma_size = (-(-message.height // every), -(-message.width // every))
    steps_per_row = 2 // every  # rows of chroma at full size take twice the bytes of luma's
    chroma_rows = chroma_size[0] * steps_per_row
    row = max(message.width, 2 * chroma_size[1] // steps_per_row)
    _check_layout(message, row=row, rows=message.height + chroma_rows)
    luma = np.ndarray(
        (message.height, message.width),
        dtype=np.uint8,
        buffer=message.data,
        strides=(message.step, 1),
    )
    chroma = np.ndarray(
        (*chroma_size, 2),
        dtype=np.uint8,
        buffer=message.data,
        offset=message.height * message.step,
        strides=(message.step * steps_per_row, 2, 1),
    )
    return encoding.decode(luma, chroma)


def _check_layout(message: Image, row: int, rows: int) -> None:
    what = f'{message.encoding} image of {message.width} x {message.height}'
    if message.step < row:
        raise InputError(f'step of a {what} must be at least {row} bytes, got {message.step}')
    needed = message.step * rows
    if len(message.data) < needed:
        raise InputError(
            f'data of a {what} with step {message.step} must have at least {needed} bytes, '
            f'got {len(message.data)}'
        )


def _decode_with_cv_bridge(message: Image) -> npt.NDArray[np.uint8]:
    known = ', '.join([*ENCODINGS, *SEMI_PLANAR_ENCODINGS])
    try:
        bridge = importlib.import_module('cv_bridge').CvBridge()
    except (ImportError, AttributeError):  # numpy 2 breaks some builds of it
        raise InputError(
            f'image encoding must be one of {known}, or cv_bridge be installed, '
            f'got {message.encoding!r}'
        ) from None
    try:
        rgb = bridge.imgmsg_to_cv2(message, desired_encoding='rgb8')
    except Exception as error:  # whatever cv_bridge and OpenCV raise
        reason = ' '.join(str(error).split())
        raise InputError(
            f'image encoding must be one of {known}, or one that cv_bridge converts to rgb8, '
            f'got {message.encoding!r}: {reason}'
        ) from error
    return np.ascontiguousarray(rgb, dtype=np.uint8)


def _decompress(data: npt.NDArray[np.uint8]) -> npt.NDArray[Any] | None:
    """Return pixels as they are stored, shape (H, W, channels), colours taken for BGR."""
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:  # no data, or more pixels than OpenCV allows
        return None
    return None if pixels is None else np.atleast_3d(pixels)


def _encoding_of(pixels: npt.NDArray[Any], form: str) -> Encoding:
    """Return the encoding of decompressed pixels."""
    original, _, compression = (part.strip() for part in form.partition(';'))
    bits, channels = 8 * pixels.dtype.itemsize, pixels.shape[2]
    encoding = ENCODINGS.get(original)
    if channels == 1:
        if encoding and encoding.channels == 1 and encoding.kind == pixels.dtype:
            return encoding
        return ENCODINGS[f'mono{bits}']
    is_color = original.startswith(('rgb', 'bgr')) and 'compressed' in compression
    order = 'rgb' if is_color and 'compressed bgr' not in compression else 'bgr'
    return ENCODINGS[f'{order}{"a" if channels == 4 else ""}{bits}']
