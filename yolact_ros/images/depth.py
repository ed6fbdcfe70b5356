"""Depth in messages, of any client library: only their attributes are read.

The unit is that of the encoding (REP 118): 16UC1 and mono16 are millimetres, 32FC1 is metres.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.lifting.depth_image import DepthImage
from yolact_ros.images.decoding import decompress, read_pixels

MILLIMETRES, METRES = 0.001, 1.0
UNITS: dict[str, tuple[type[np.generic], float]] = {  # type of a value, and metres per unit
    '16UC1': (np.uint16, MILLIMETRES),
    'mono16': (np.uint16, MILLIMETRES),
    '32FC1': (np.float32, METRES),
}
CONFIGURATION = struct.Struct('<iff')  # of compressedDepth: a format, and two numbers A and B
PNG = b'\x89PNG'

Image = Any  # ``sensor_msgs/msg/Image`` of any client library
CompressedImage = Any  # ``sensor_msgs/msg/CompressedImage`` of any client library


def read_depth(message: Image) -> DepthImage:
    """Return the depth in an image, in its own unit, not copied where the machine can read it.

    Args:
        message: Image whose rows may be padded and of either byte order. It must not change while
            the result is in use.

    Raises:
        InputError: It is malformed, or of an encoding that is no depth.
    """
    kind, unit = _unit_of(message.encoding)
    pixels = read_pixels(message, kind, channels=1)[..., 0]
    return DepthImage(pixels.astype(pixels.dtype.newbyteorder('='), copy=False), unit)


def decompress_depth(message: CompressedImage) -> DepthImage:
    """Return the depth in an image of the transport ``compressedDepth``.

    Twelve bytes precede a PNG of 16 bits. Where the original is 32FC1, that holds the inverse of
    the depth: A / depth + B, and 0 where nothing was measured.

    Args:
        message: Compressed image whose format is as the transport writes it, such as
            ``32FC1; compressedDepth png``.

    Raises:
        InputError: It is cut off, no PNG, or of an encoding that is no depth.
    """
    encoding = message.format.partition(';')[0].strip()
    kind, unit = _unit_of(encoding)
    data = np.frombuffer(message.data, dtype=np.uint8)
    values = _decompress_png(data, message.format)
    if kind is np.uint16:
        return DepthImage(values, unit)
    _, numerator, offset = CONFIGURATION.unpack_from(data.data)
    inverse = values.astype(np.float32) - np.float32(offset)
    with np.errstate(divide='ignore', invalid='ignore'):  # means no measurement, as 0 does
        depth = np.float32(numerator) / inverse
    depth[values == 0] = np.nan
    return DepthImage(depth, unit)


def _unit_of(encoding: str) -> tuple[type[np.generic], float]:
    if encoding not in UNITS:
        raise InputError(f'depth must be encoded as one of {", ".join(UNITS)}, got {encoding!r}')
    return UNITS[encoding]


def _decompress_png(data: npt.NDArray[np.uint8], form: str) -> npt.NDArray[np.uint16]:
    png = data[CONFIGURATION.size :]
    pixels = decompress(png) if png[: len(PNG)].tobytes() == PNG else None
    if pixels is None or pixels.dtype != np.uint16 or pixels.shape[2] != 1:
        raise InputError(
            f'compressed depth must be {CONFIGURATION.size} bytes and a PNG of 16 bits, got '
            f'{data.size} bytes of format {form!r} that are not'
        )
    return np.asarray(pixels[..., 0], dtype=np.uint16)
