"""What video files say of themselves: whether their end is there, and how many images they hold.

A decoder takes what is there and stops, and what it estimates from rate and duration is wrong
where images come at irregular times.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

MP4_BOXES = (b'ftyp', b'moov', b'mdat', b'free', b'skip', b'wide', b'styp')
AVI = b'RIFF'
MATROSKA = b'\x1a\x45\xdf\xa3'
INDEX_ENTRY = struct.Struct('<2x2s8xI')  # kind and size of a chunk
IMAGE_CHUNKS = (b'dc', b'db')
EDIT = struct.Struct('>Ii4x')  # duration of a piece, and where it begins: -1 is nowhere


class VideoFile(NamedTuple):
    """What a file says of itself.

    Attributes:
        lacks_end: Whether it should be longer than it is.
        images: Number of images in it; None if it does not say that exactly.
    """

    lacks_end: bool
    images: int | None


class _Part(NamedTuple):
    name: bytes
    start: int  # of what is in it
    stop: float  # infinite where it goes on to the end, as in what was recorded live


def examine(path: Path, count: int, fps: float) -> VideoFile:
    """Return what an MP4, AVI or Matroska file says of itself; of others only their header counts.

    Args:
        path: The file.
        count: Number of images by its header, or 0.
        fps: Images per second.
    """
    size = path.stat().st_size
    with path.open('rb') as file:
        start = file.read(8)
        if start[4:] in MP4_BOXES:
            parts = list(_walk(file, 0, size, _read_box))
            images = min(count, _count_edited(file, parts, fps) or count) or None
        elif start[:4] == AVI:
            parts = list(_walk(file, 0, size, _read_chunk))
            images = _count_indexed(file, parts, size)
        elif start[:4] == MATROSKA:
            parts, images = list(_walk(file, 0, size, _read_element)), None
        else:
            parts, images = [], count or None
    return VideoFile(bool(parts) and size < parts[-1].stop < float('inf'), images)


def _walk(
    file: BinaryIO, position: float, stop: float, read: Callable[[bytes, int], _Part]
) -> Iterator[_Part]:
    """Iterate over parts that follow each other; what is too short for a part is the last one."""
    while position < stop:
        file.seek(int(position))
        part = read(file.read(16).ljust(16, b'\0'), int(position))
        yield part
        if part.stop < part.start:  # it is damaged, and where the next one begins is unknown
            return
        position = part.stop


def _read_box(head: bytes, position: int) -> _Part:
    size, name, large = struct.unpack('>I4sQ', head)
    if size == 1:
        return _Part(name, position + 16, position + large)
    return _Part(name, position + 8, position + size if size else float('inf'))


def _read_chunk(head: bytes, position: int) -> _Part:
    name, size = struct.unpack_from('<4sI', head)
    return _Part(name, position + 8, position + 8 + size + size % 2)


def _read_element(head: bytes, position: int) -> _Part:
    """Read a name and a size, whose first bits say how many bytes they take."""
    width = 9 - head[0].bit_length()
    digits = 9 - head[width].bit_length() if width < 8 else 9
    size = int.from_bytes(head[width : width + digits], 'big') - (1 << 7 * digits)
    start = position + width + digits
    is_live = size == (1 << 7 * digits) - 1 or digits > 8
    return _Part(head[:width], start, float('inf') if is_live else start + size)


def _count_indexed(file: BinaryIO, parts: list[_Part], size: int) -> int | None:
    """Count the images in the index of an AVI file; empty ones repeat the image before."""
    for part in _walk(file, parts[0].start + 4, min(parts[0].stop, size), _read_chunk):
        if part.name == b'idx1':
            file.seek(part.start)
            index = file.read(int(part.stop) - part.start)
            entries = INDEX_ENTRY.iter_unpack(index[: len(index) // 16 * 16])
            return sum(1 for kind, size in entries if kind in IMAGE_CHUNKS and size > 0)
    return None


def _count_edited(file: BinaryIO, parts: list[_Part], fps: float) -> int | None:
    """Count the images that the edits of an MP4 file, as a phone trims it, leave to be shown."""
    for part in parts:
        if part.name == b'moov':
            file.seek(part.start)
            moov = file.read(int(min(part.stop, part.start + (1 << 26))) - part.start)
            scale = re.search(rb'mvhd\0.{11}(.{4})', moov, re.DOTALL)
            lengths = [
                _length_of_edits(moov[found.end() :]) for found in re.finditer(b'elst\0', moov)
            ]
            ticks = int.from_bytes(scale[1], 'big') if scale else 0  # a second
            if ticks and lengths:
                return round(max(lengths) / ticks * fps)
    return None


def _length_of_edits(content: bytes) -> int:
    """Return how long all pieces are together, from the flags of the list on."""
    count = min(int.from_bytes(content[3:7], 'big'), (len(content) - 7) // EDIT.size)
    pieces = EDIT.iter_unpack(content[7 : 7 + EDIT.size * max(count, 0)])
    return sum(length for length, begin in pieces if begin >= 0)
