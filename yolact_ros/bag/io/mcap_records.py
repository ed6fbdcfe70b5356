"""The records of an mcap file, also those behind bytes that are none."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from mcap.opcode import Opcode

from yolact_core.errors import InputError

MAGIC = b'\x89MCAP0\r\n'
RECORD = struct.Struct('<BQ')  # kind of record, and bytes that follow
CHUNK_HEAD = struct.Struct('<QQQII')  # first and last time, size, checksum, length of a name
CHUNK_SIZE = struct.Struct('<Q')  # bytes of the records in a chunk, after the name
INDEX_HEAD = struct.Struct('<HI')  # channel, and bytes of the list that follows
INDEX_ITEM = 16  # bytes of an item of that list
MESSAGE_HEAD = struct.Struct('<HIQQ')  # channel, number, times of recording and of publishing

NO_RECORD = 0  # kind of a stretch between two records
LONGEST_NAME = 32  # letters of a compression
SHORTEST = {  # bytes that a record of a kind has at least
    Opcode.HEADER: 8,
    Opcode.FOOTER: 20,
    Opcode.SCHEMA: 14,
    Opcode.CHANNEL: 16,
    Opcode.MESSAGE: MESSAGE_HEAD.size,
    Opcode.CHUNK: CHUNK_HEAD.size + CHUNK_SIZE.size,
    Opcode.MESSAGE_INDEX: 6,
    Opcode.DATA_END: 4,
}
LOOSE = (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE)  # kinds that chunks have inside
BLOCK = 2**20  # bytes that are searched at once
BEGINNING = re.compile(rb'(?=[\x01-\x0f][\s\S]{5}\x00{3})')  # a known kind, less than a terabyte


class RecordFinder:
    """Finds the records of a file, whose contents are not looked at.

    Bytes that belong to no record, as their head or length is damaged, come as one stretch of the
    kind ``NO_RECORD``. What looks like a message behind them is one only where messages lie in
    the file itself: a chunk that zstd could not compress has them too, in pieces.

    Args:
        file: An mcap file.
        size: Size of the file, bytes.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._channels: set[int] = set()  # outside of chunks
        self._has_chunks = False

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Iterate over kind, position, and position after each record, up to the footer."""
        position = len(MAGIC)
        while position < self._size:
            record = self._read_head(position)
            if record is None or not self._has_right_length(record, position):
                self._has_chunks |= self._read(position, 1) == bytes([Opcode.CHUNK])
                record = NO_RECORD, self._find_next(position + 1)
            kind, end = record
            self._note(kind, position)
            yield kind, position, end
            if kind == Opcode.FOOTER:
                return
            position = end

    def _note(self, kind: int, position: int) -> None:
        self._has_chunks |= kind == Opcode.CHUNK
        if kind == Opcode.CHANNEL:
            self._channels.add(self._read_number(position))

    def _has_right_length(self, record: tuple[int, int], position: int) -> bool:
        """Return whether a record ends where it says: at another, or before any can be found.

        A chunk says it twice, and a footer is the last.
        """
        kind, end = record
        if kind in (Opcode.CHUNK, Opcode.FOOTER) or end == self._size or self._read_head(end):
            return True
        return self._find_next(position + 1) >= end

    def _find_next(self, start: int) -> int:
        """Return where the next record begins, or the end of the file."""
        for begin in range(start, self._size, BLOCK):
            block = self._read(begin, BLOCK + RECORD.size - 1)
            for match in BEGINNING.finditer(block):
                position = begin + match.start()
                if self._is_beginning(position):
                    return position
        return self._size

    def _is_beginning(self, position: int) -> bool:
        """Return whether a record begins at a position that none led to."""
        record = self._read_head(position)
        if record is None:
            return False
        kind, end = record
        if kind in (Opcode.CHUNK, Opcode.FOOTER):
            return True
        if kind in LOOSE and self._has_chunks:
            return False
        if kind == Opcode.MESSAGE and self._read_number(position) not in self._channels:
            return False
        return self._read_head(end) is not None

    def _read_head(self, position: int) -> tuple[int, int] | None:
        return read_head(self._file, position, self._size)

    def _read_number(self, position: int) -> int:
        """Return the number of the channel that a record is about."""
        return int.from_bytes(self._read(position + RECORD.size, 2), 'little')

    def _read(self, position: int, count: int) -> bytes:
        self._file.seek(position)
        return self._file.read(count)


def read_head(file: BinaryIO, position: int, size: int) -> tuple[int, int] | None:
    """Return the kind of the record at a position, and where it ends; None if there is none."""
    file.seek(position)
    head = file.read(RECORD.size + CHUNK_HEAD.size + LONGEST_NAME + CHUNK_SIZE.size)
    if len(head) < RECORD.size:
        return None
    kind, length = RECORD.unpack_from(head)
    end = position + RECORD.size + length
    if kind == NO_RECORD or end > size or length < SHORTEST.get(kind, 0):
        return None
    if kind == Opcode.CHUNK:
        name = CHUNK_HEAD.unpack_from(head, RECORD.size)[-1]
        if name > LONGEST_NAME:
            return None
        (content,) = CHUNK_SIZE.unpack_from(head, RECORD.size + CHUNK_HEAD.size + name)
        if length != CHUNK_HEAD.size + name + CHUNK_SIZE.size + content:
            return None
    return kind, end


def split(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Iterate over the records of a chunk: kind, and where the content begins and ends.

    Raises:
        InputError: The last one is cut off.
    """
    end = 0
    while end < len(data):
        if end + RECORD.size > len(data):
            raise InputError('a record is cut off')
        kind, length = RECORD.unpack_from(data, end)
        begin = end + RECORD.size
        end = begin + length
        if end > len(data):
            raise InputError('a record is cut off')
        yield kind, begin, end
