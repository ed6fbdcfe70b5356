"""Image files: read whole or not at all, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done

JPEG_SUFFIXES = frozenset(('.jpg', '.jpeg', '.jfif'))
JPEG_QUALITY = 95
JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
JPEG_SCAN, JPEG_FILL = 0xDA, 0xFF
FOUND_SUFFIXES = frozenset(('.jpg', '.jpeg', '.png', '.bmp', '.webp'))
PNG_START, PNG_END = b'\x89PNG\r\n\x1a\n', b'IEND'


def find_images(folder: Path, most: int, subject: str = 'folder') -> list[Path]:
    """Return the paths of images spread evenly over those in a folder, at any depth.

    Args:
        folder: Folder to look into.
        most: Largest number of paths to return.
        subject: What the folder is called in the error.

    Raises:
        InputError: There is no image in the folder.
    """
    paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in FOUND_SUFFIXES)
    if not paths:
        raise InputError(f'{subject} must hold images, got none in {str(folder)!r}')
    return paths[:: -(-len(paths) // most)]


def read_image(path: Path, turn_upright: bool = True) -> npt.NDArray[np.uint8]:
    """Read an image file of any format that OpenCV knows.

    Grey becomes RGB, 16 bits are scaled to 8, and transparency is dropped.

    Args:
        path: The file.
        turn_upright: Turn the image as its EXIF orientation says.

    Returns:
        RGB, shape (H, W, 3).

    Raises:
        InputError: The file cannot be read, is no image, or lacks its end.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise InputError(f'{path} must be a readable file: {error.strerror}') from error
    if not is_whole(data.tobytes()):
        raise InputError(f'{path} must be a whole image file, but its end is missing')
    orientation = 0 if turn_upright else cv2.IMREAD_IGNORE_ORIENTATION
    bgr = _decode(data, cv2.IMREAD_COLOR | orientation)
    if bgr is None:
        raise InputError(f'{path} must be an image, but it cannot be decoded as one')
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


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


def is_whole(data: bytes) -> bool:
    """Return whether a JPEG or PNG file has its end; of other formats decoders know by themselves.

    OpenCV 4 decodes JPEG files that were cut off without complaint, and fills the rest with grey.
    """
    if data.startswith(JPEG_START):
        return _has_jpeg_end(data)
    if data.startswith(PNG_START):
        return _has_png_end(data)
    return True


def _has_jpeg_end(data: bytes) -> bool:
    """Walk over the segments, which may hold a whole thumbnail, and look behind the first scan."""
    position = len(JPEG_START)
    while position + 1 < len(data) and data[position] == JPEG_FILL:
        marker = data[position + 1]
        if marker == JPEG_SCAN:
            return data.find(JPEG_END, position) >= 0
        if marker == JPEG_FILL:
            position += 1
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], 'big')
    return False


def _has_png_end(data: bytes) -> bool:
    """Walk over the chunks, each its length, name, content and checksum."""
    position = len(PNG_START)
    while position + 12 <= len(data):
        if data[position + 4 : position + 8] == PNG_END:
            return True
        position += 12 + int.from_bytes(data[position : position + 4], 'big')
    return False


def _decode(data: npt.NDArray[np.uint8], flags: int) -> npt.NDArray[np.uint8] | None:
    try:
        bgr = cv2.imdecode(data, flags)
    except cv2.error:  # an empty file, or more pixels than OpenCV allows
        return None
    return None if bgr is None else np.asarray(bgr, dtype=np.uint8)
