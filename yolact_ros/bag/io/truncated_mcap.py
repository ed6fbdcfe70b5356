"""What is whole of an mcap file that was cut off, as after a crash of the recorder.

Such a file lacks its end, where the index is. This module looks for the chunks that are whole and
appends, in memory, an end that lists them. Nothing is copied or changed.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from yolact_core.errors import InputError

MAGIC = b'\x89MCAP0\r\n'
RECORD = struct.Struct('<BQ')  # kind of record, and bytes that follow
CHUNK = struct.Struct('<QQQI')  # first and last time, bytes once decompressed, checksum
FOOTER, CHUNK_RECORD, MESSAGE_INDEX, CHUNK_INDEX, STATISTICS, DATA_END = 2, 6, 7, 8, 11, 15


@dataclass(frozen=True)
class Record:
    """One record of a file.

    Args:
        kind: Its number in the format.
        start: Where it begins.
        size: Bytes of its content.
    """

    kind: int
    start: int
    size: int

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.start + RECORD.size + self.size


class SalvagedFile:
    """Stands for the path of a file; what it opens ends as it should.

    Args:
        path: An mcap file.

    Raises:
        InputError: There is not one whole chunk in it.
    """

    suffix = '.mcap'

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open('rb') as file:
            self._end, indices = _find_chunks(file, path.stat().st_size)
        if not indices:
            raise InputError(f'{path} must hold at least one whole chunk of messages, got none')
        self._tail = _make_tail(self._end, indices)

    def exists(self) -> bool:
        """Return that it does."""
        return True

    def is_dir(self) -> bool:
        """Return that it is none."""
        return False

    def open(self, _mode: str) -> BinaryIO:
        """Open it for reading."""
        return io.BufferedReader(_Joined(self._path.open('rb'), self._end, self._tail))

    def __str__(self) -> str:
        return str(self._path)


class _Joined(io.RawIOBase):
    """The first bytes of a file, and then others."""

    def __init__(self, file: BinaryIO, size: int, tail: bytes) -> None:
        self._file, self._size, self._tail = file, size, tail
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._position,
            io.SEEK_END: self._size + len(self._tail),
        }
        self._position = origin[whence] + offset
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast('B')  # type: ignore[arg-type]
        if self._position < self._size:
            self._file.seek(self._position)
            data = self._file.read(min(len(view), self._size - self._position))
        else:
            begin = self._position - self._size
            data = self._tail[begin : begin + len(view)]
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _find_chunks(file: BinaryIO, size: int) -> tuple[int, list[bytes]]:
    """Return where the last whole chunk ends, with its indices, and an index record of each."""
    if file.read(len(MAGIC)) != MAGIC:
        return 0, []
    end, found = 0, []
    chunk: Record | None = None
    indices: list[Record] = []
    for record in _records(file, len(MAGIC), size):
        if record.kind == MESSAGE_INDEX:
            indices.append(record)
            continue
        if chunk is not None and indices:
            found.append(_index_chunk(file, chunk, indices))
            end = record.start
        chunk, indices = (record if record.kind == CHUNK_RECORD else None), []
    return end, found


def _records(file: BinaryIO, position: int, size: int) -> Iterator[Record]:
    """Iterate over the records that are whole, then an empty one that stands for what is not.

    There is no such end where it is an index that is cut off: its chunk is not to be trusted.
    """
    while position + RECORD.size <= size:
        file.seek(position)
        kind, length = RECORD.unpack(file.read(RECORD.size))
        record = Record(kind, position, length)
        if record.end > size:
            if kind != MESSAGE_INDEX:
                yield Record(0, position, 0)
            return
        yield record
        position = record.end
    if position == size:
        yield Record(0, position, 0)


def _index_chunk(file: BinaryIO, chunk: Record, indices: list[Record]) -> bytes:
    """Return the content of the index record of a chunk."""
    file.seek(chunk.start + RECORD.size)
    first, last, uncompressed, _ = CHUNK.unpack(file.read(CHUNK.size))
    (name_size,) = struct.unpack('<I', file.read(4))
    compression = file.read(name_size)
    (compressed,) = struct.unpack('<Q', file.read(8))
    offsets = b''
    for index in indices:
        file.seek(index.start + RECORD.size)
        offsets += file.read(2) + struct.pack('<Q', index.start)
    index_size = indices[-1].end - indices[0].start
    return b''.join(
        (
            struct.pack('<QQQQ', first, last, chunk.start, chunk.end - chunk.start),
            struct.pack('<I', len(offsets)) + offsets,
            struct.pack('<Q', index_size),
            struct.pack('<I', name_size) + compression,
            struct.pack('<QQ', compressed, uncompressed),
        )
    )


def _make_tail(start: int, indices: list[bytes]) -> bytes:
    """Return the end of a file: where its chunks are, and no statistics that anyone may trust."""
    data_end = _pack(DATA_END, bytes(4))
    summary = b''.join(_pack(CHUNK_INDEX, index) for index in indices)
    summary += _pack(STATISTICS, bytes(46))  # zeros let the reader look for itself
    footer = _pack(FOOTER, struct.pack('<QQI', start + len(data_end), 0, 0))
    return data_end + summary + footer + MAGIC


def _pack(kind: int, content: bytes) -> bytes:
    return RECORD.pack(kind, len(content)) + content
