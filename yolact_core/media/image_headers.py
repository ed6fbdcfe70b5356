"""What an image file says about itself, read without decoding a pixel."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
JPEG_FILL, JPEG_SCAN, JPEG_EXIF = 0xFF, 0xDA, 0xE1
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers that a size follows
JPEG_TAIL = 2**16  # bytes, in which the end is looked for first
PNG_START = b'\x89PNG\r\n\x1a\n'
PNG_CHECKSUM = 4  # bytes behind each chunk
RIFF_START, WEBP_NAME = b'RIFF', b'WEBP'
WEBP_SIDE = 2**14 - 1  # bits of a side
EXIF_START = b'Exif\x00\x00'
ORIENTATION = 0x112  # tag of EXIF
UPRIGHT, FIRST_LYING, LAST_LYING = 1, 5, 8  # orientations; lying ones swap height and width

Orientation = Literal['auto', 'stored', 'upright']  # which pixels annotations are for
Part = tuple[bytes, int, int]  # name of a part of a file, where its content begins, its length


@dataclass(frozen=True)
class ImageHeader:
    """Size and orientation of an image file.

    Args:
        size: Height and width in pixels, as they are stored.
        orientation: EXIF orientation, 1 to 8: how a viewer turns or mirrors the stored pixels.
        is_whole: Whether the file has its end. Of formats other than JPEG, PNG and WebP only a
            decoder knows.
    """

    size: tuple[int, int]
    orientation: int = UPRIGHT
    is_whole: bool = True

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width in pixels, as a viewer shows them."""
        height, width = self.size
        return (width, height) if self.orientation >= FIRST_LYING else (height, width)


def parse_header(file: BinaryIO) -> ImageHeader | None:
    """Return what the header of an image file says; None where it must be decoded to know.

    Args:
        file: File that can be sought in.
    """
    return _parse_common(file) or _parse_other(file)


def _parse_common(file: BinaryIO) -> ImageHeader | None:
    """Return what the header of a JPEG, PNG or WebP file says, and whether the file is whole.

    OpenCV 4 decodes JPEG files that were cut off without complaint, and fills the rest with grey.

    Args:
        file: File that can be sought in.
    """
    start = file.read(12)
    if start.startswith(JPEG_START):
        return _parse_jpeg(file)
    if start.startswith(PNG_START):
        return _parse_png(file)
    if start[:4] == RIFF_START and start[8:] == WEBP_NAME:
        return _parse_webp(file)
    return None


def parse_orientation(exif: bytes) -> int:
    """Return the orientation that EXIF data tell, upright where they tell none."""
    tiff = exif.removeprefix(EXIF_START)
    order = {b'II': '<', b'MM': '>'}.get(tiff[:2], '')
    try:
        (first,) = struct.unpack_from(f'{order}I', tiff, 4)
        (count,) = struct.unpack_from(f'{order}H', tiff, first)
        for index in range(count if order else 0):
            tag, value = struct.unpack_from(f'{order}H6xH', tiff, first + 2 + 12 * index)
            if tag == ORIENTATION and UPRIGHT <= value <= LAST_LYING:
                return int(value)
    except struct.error:  # it breaks off
        pass
    return UPRIGHT


def _parse_jpeg(file: BinaryIO) -> ImageHeader:
    """Walk over the segments, which may hold a whole thumbnail, up to the first scan."""
    size, orientation, is_whole = (0, 0), UPRIGHT, False
    for name, begin, length in _jpeg_segments(file):
        marker = name[0]
        if marker == JPEG_SCAN:
            is_whole = _has_jpeg_end(file, begin)
        elif marker in JPEG_FRAMES:
            size = _unpack('>xHH', _read(file, begin, 5))
        elif marker == JPEG_EXIF and orientation == UPRIGHT:
            content = _read(file, begin, length)
            orientation = parse_orientation(content) if content[:6] == EXIF_START else UPRIGHT
    return ImageHeader(size, orientation, is_whole)


def _jpeg_segments(file: BinaryIO) -> Iterator[Part]:
    position = len(JPEG_START)
    while True:
        head = _read(file, position, 4)
        if len(head) < 2 or head[0] != JPEG_FILL:
            return
        if head[1] == JPEG_FILL:
            position += 1
            continue
        length = int.from_bytes(head[2:], 'big')
        yield head[1:2], position + 4, length - 2
        if head[1] == JPEG_SCAN:
            return
        position += 2 + length


def _has_jpeg_end(file: BinaryIO, scan: int) -> bool:
    tail = max(scan, file.seek(0, os.SEEK_END) - JPEG_TAIL)
    return JPEG_END in _read(file, tail) or (tail > scan and JPEG_END in _read(file, scan))


def _parse_png(file: BinaryIO) -> ImageHeader:
    size, orientation, is_whole = (0, 0), UPRIGHT, False
    for name, begin, length in _png_chunks(file):
        if name == b'IHDR':
            width, height = _unpack('>II', _read(file, begin, 8))
            size = height, width
        elif name == b'eXIf':
            orientation = parse_orientation(_read(file, begin, length))
        elif name == b'IEND':
            is_whole = len(_read(file, begin + length, PNG_CHECKSUM)) == PNG_CHECKSUM
    return ImageHeader(size, orientation, is_whole)


def _png_chunks(file: BinaryIO) -> Iterator[Part]:
    position = len(PNG_START)
    while len(head := _read(file, position, 8)) == 8:
        length = int.from_bytes(head[:4], 'big')
        yield head[4:], position + 8, length
        position += 8 + length + PNG_CHECKSUM


def _parse_webp(file: BinaryIO) -> ImageHeader:
    size, orientation = (0, 0), UPRIGHT
    end = 8 + int.from_bytes(_read(file, 4, 4), 'little')
    for name, begin, length in _webp_chunks(file):
        content = _read(file, begin, 10)
        if name == b'VP8X':
            size = _bits(content[7:10]) + 1, _bits(content[4:7]) + 1
        elif name == b'VP8 ' and size == (0, 0):
            size = _bits(content[8:10]) & WEBP_SIDE, _bits(content[6:8]) & WEBP_SIDE
        elif name == b'VP8L' and size == (0, 0):
            sides = _bits(content[1:5])
            size = (sides >> 14 & WEBP_SIDE) + 1, (sides & WEBP_SIDE) + 1
        elif name == b'EXIF':
            orientation = parse_orientation(_read(file, begin, length))
    return ImageHeader(size, orientation, is_whole=file.seek(0, os.SEEK_END) >= end)


def _webp_chunks(file: BinaryIO) -> Iterator[Part]:
    position = 12
    while len(head := _read(file, position, 8)) == 8:
        length = int.from_bytes(head[4:], 'little')
        yield head[:4], position + 8, length
        position += 8 + length + length % 2


def _parse_other(file: BinaryIO) -> ImageHeader | None:
    """Ask Pillow for the size, without its limit; it turns TIFF files itself, as OpenCV does."""
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.GifImagePlugin import GifImageFile
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
    from PIL.PpmImagePlugin import PpmImageFile
    from PIL.TiffImagePlugin import TiffImageFile

    for reader in (BmpImageFile, GifImageFile, Jpeg2KImageFile, PpmImageFile, TiffImageFile):
        file.seek(0)
        try:
            width, height = reader(file).size
        except Exception:  # whatever a broken header makes of Pillow
            continue
        return ImageHeader((height, width))
    return None


def _read(file: BinaryIO, position: int, length: int = -1) -> bytes:
    file.seek(position)
    return file.read(length)


def _unpack(form: str, data: bytes) -> tuple[int, int]:
    """Read two numbers, both 0 where the data break off."""
    try:
        first, second = struct.unpack(form, data)
    except struct.error:
        return 0, 0
    return first, second


def _bits(data: bytes) -> int:
    return int.from_bytes(data, 'little')
