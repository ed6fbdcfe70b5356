"""Image files: read whole or not at all, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.media.image_headers import (
    FIRST_LYING,
    ImageHeader,
    parse_header,
)
from yolact_core.media.range_mapping import RANGES
from yolact_core.media.ranges import BY_ENCODING, ImageRange

JPEG_SUFFIXES = frozenset(('.jpg', '.jpeg', '.jfif'))
JPEG_QUALITY = 95
IMAGE_SUFFIXES = JPEG_SUFFIXES | {
    '.avif', '.bmp', '.gif', '.heic', '.jp2', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp',
}  # fmt: skip
MOST_BYTES = 2**30  # of a file
MOST_PIXELS = 2**28  # of an image; cameras of phones reach 200 million
MIRRORED_COLUMNS, MIRRORED_ROWS = (2, 3, 6, 7), (3, 4, 7, 8)  # orientations, once height is up


def find_images(folder: Path, most: int, subject: str = 'folder') -> list[Path]:
    """Return the paths of images spread evenly over those in a folder, at any depth.

    Args:
        folder: Folder to look into.
        most: Largest number of paths to return.
        subject: What the folder is called in the error.

    Raises:
        InputError: There is no image in the folder.
    """
    paths = sorted(
        path for path in folder.rglob('*') if is_image_file(path) and not is_hidden(path, folder)
    )
    if not paths:
        raise InputError(f'{subject} must hold images, got none in {str(folder)!r}')
    return paths[:: -(-len(paths) // most)]


def is_image_file(path: Path) -> bool:
    """Return whether a file is named like an image, whether OpenCV can decode it or not."""
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def is_hidden(path: Path, folder: Path) -> bool:
    """Return whether a file in a folder is hidden, such as the ``._x.jpg`` that macOS adds."""
    return any(part.startswith('.') for part in path.relative_to(folder).parts)


def read_header(path: Path) -> ImageHeader:
    """Return size and orientation of an image file, and refuse what cannot be read.

    JPEG, PNG and WebP files are not decoded, so that only their header and end are checked.

    Raises:
        InputError: The file cannot be read, is no image, lacks its end, or is too large.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would wait, a device never end
            raise InputError(f'{path} must be a readable file, got a folder or a device')
        with path.open('rb') as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                raise InputError(f'{path} must be a file of at most {MOST_BYTES} bytes')
            header = parse_header(file)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, 'strerror', None) or error
        raise InputError(f'{path} must be a readable file: {reason}') from error
    header = header or ImageHeader(_decode(path).shape[:2])
    if not header.is_whole:
        raise InputError(f'{path} must be a whole image file, but its end is missing')
    height, width = header.size
    if not 0 < height * width <= MOST_PIXELS:
        raise InputError(
            f'{path} must be an image of at most {MOST_PIXELS} pixels, got {width} x {height}'
        )
    return header


def read_image(
    path: Path, turn_upright: bool = True, image_range: ImageRange = BY_ENCODING
) -> npt.NDArray[np.uint8]:
    """Read an image file of any format that OpenCV knows.

    Grey becomes RGB, 16 bits are scaled to 8, and transparency is dropped. Of an animation the
    first image is read.

    Args:
        path: The file.
        turn_upright: Turn the image as its EXIF orientation says.
        image_range: Range of 16-bit values that becomes that of bytes; a file has all of them.

    Returns:
        RGB, shape (H, W, 3).

    Raises:
        InputError: The file cannot be read, is no image, lacks its end, or is too large.
    """
    header = read_header(path)
    bgr = _decode(path, image_range)
    if turn_upright:
        bgr = _turn(bgr, header.orientation)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def read_values(path: Path) -> npt.NDArray[Any]:
    """Read an image file as it is stored: its channels, its type, neither scaled nor turned.

    Args:
        path: File of any format that OpenCV knows.

    Returns:
        Values of shape (H, W) or (H, W, channels).

    Raises:
        InputError: The file cannot be read, is no image, lacks its end, or is too large.
    """
    read_header(path)
    return _decode_as(path, cv2.IMREAD_UNCHANGED)


def write_image(path: Path, image: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> None:
    """Write an image file, whose suffix says the format.

    Args:
        path: An older file is replaced only when the new one is complete.
        image: RGB, shape (H, W, 3), or one channel of 8 or 16 bits, shape (H, W).

    Raises:
        InputError: The file cannot be written.
    """
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    is_jpeg = path.suffix.lower() in JPEG_SUFFIXES
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if is_jpeg else []
    _, data = cv2.imencode(path.suffix, bgr, options)
    try:
        with replace_when_done(path) as unfinished:
            unfinished.write_bytes(data.tobytes())
    except OSError as error:
        raise InputError(f'{path} must be writable: {error.strerror}') from error


def _turn(image: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Turn and mirror an image as its EXIF orientation says; OpenCV does not for all formats."""
    if orientation >= FIRST_LYING:
        image = image.transpose(1, 0, 2)
    if orientation in MIRRORED_COLUMNS:
        image = image[:, ::-1]
    if orientation in MIRRORED_ROWS:
        image = image[::-1]
    return np.ascontiguousarray(image)


def _decode(path: Path, image_range: ImageRange = BY_ENCODING) -> npt.NDArray[np.uint8]:
    """Return an image as it is stored, BGR, shape (H, W, 3)."""
    to_bytes = RANGES.get(image_range)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    bgr = _decode_as(path, flags | cv2.IMREAD_ANYDEPTH if to_bytes else flags)
    if to_bytes and bgr.dtype == np.uint16:
        bgr = to_bytes(bgr.astype(np.uint16, copy=False))
    return np.asarray(bgr, dtype=np.uint8)


def _decode_as(path: Path, flags: int) -> npt.NDArray[Any]:
    """Return an image as OpenCV decodes it with some flags."""
    try:
        values = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), flags)
    except OSError as error:
        raise InputError(f'{path} must be a readable file: {error.strerror}') from error
    except cv2.error:  # an empty file, or more pixels than OpenCV allows
        values = None
    if values is None:
        raise InputError(f'{path} must be an image, but it cannot be decoded as one')
    return np.asarray(values)
