"""Find where the messages of an mcap file are, even without an index or after damage.

The end of a whole file lists its chunks. Where that end is missing or does not list everything,
the file is walked from record to record instead; only their heads are read. Either way the result
is a list of stretches, each of which can be read by itself.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, ChunkIndex, Schema, Statistics
from mcap.summary import Summary

from yolact_core.errors import InputError
from yolact_ros.bag.io.mcap_storage import (
    CHUNK_HEAD,
    MESSAGE_HEAD,
    RECORD,
    Contents,
    McapStorage,
    Stretch,
    load,
    split,
)
from yolact_ros.bag.io.storage import describe

MAGIC = b'\x89MCAP0\r\n'
INDEX_HEAD = struct.Struct('<HI')  # channel, and bytes of the list that follows
INDEX_RECORD, INDEX_ITEM = RECORD.size + INDEX_HEAD.size, 16  # bytes
LONGEST_RUN = 2**22  # bytes of messages outside of chunks that are read at once


def open_mcap(path: Path) -> McapStorage:
    """Open an mcap file.

    Raises:
        InputError: It is no mcap file, or nothing of it is whole.
    """
    file = path.open('rb')
    try:
        return McapStorage(file, _find_contents(file, path.stat().st_size))
    except BaseException:
        file.close()
        raise


def _find_contents(file: BinaryIO, size: int) -> Contents:
    """Return what a file holds, from its end or else from all of it.

    Raises:
        InputError: It is no mcap file, or nothing of it is whole.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise InputError('it does not begin as an mcap file does')
    damage = ''
    try:
        if contents := _read_summary(file):
            return contents
    except Exception as error:  # of whatever is taken for an end
        damage = f'its end cannot be read: {describe(error)}'
    contents = _walk(file, size)
    contents.damage = damage or contents.damage
    if contents.damage and not contents.counts:
        raise InputError(f'{contents.damage}; there is not one whole message in it')
    return contents


def _read_summary(file: BinaryIO) -> Contents | None:
    """Return what the end of a file says about it; None if that is not all there is.

    Raises:
        Exception: There is no end, or it is damaged.
    """
    file.seek(-len(MAGIC), os.SEEK_END)
    if file.read() != MAGIC:
        raise InputError('it does not end as an mcap file does')
    file.seek(0)
    summary = SeekingReader(file).get_summary()
    if summary is None or summary.statistics is None:
        return None
    stretches = [
        Stretch(
            index.chunk_start_offset,
            index.chunk_start_offset + index.chunk_length,
            index.message_start_time,
            index.message_end_time,
            is_chunk=True,
            counts=_count_indexed(index),
        )
        for index in summary.chunk_indexes
    ]
    contents = Contents(summary, stretches)
    is_all = (
        contents.counts.total() == summary.statistics.message_count
        and contents.counts.keys() <= summary.channels.keys()
        and {one.schema_id for one in summary.channels.values()} <= {0, *summary.schemas}
    )
    return contents if is_all else None


def _count_indexed(index: ChunkIndex) -> Counter[int]:
    """Return how many messages of each channel a chunk has, from the sizes of its indices."""
    places = sorted((place, channel) for channel, place in index.message_index_offsets.items())
    end = index.chunk_start_offset + index.chunk_length + index.message_index_length
    ends = [*(place for place, _ in places[1:]), end]
    counts = {
        channel: (after - place - INDEX_RECORD) // INDEX_ITEM
        for (place, channel), after in zip(places, ends, strict=False)
    }
    return +Counter(counts)


def _walk(file: BinaryIO, size: int) -> Contents:
    """Find the messages of a file from record to record, as far as these are whole."""
    contents = Contents(Summary())
    kind, end = 0, len(MAGIC)
    for kind, start, end in _records(file, size):
        try:
            _note_record(file, kind, start, end, contents)
        except Exception as error:  # whatever bytes may lead to
            contents.damage = f'the record at byte {start} cannot be read: {describe(error)}'
    if kind != Opcode.FOOTER:
        contents.damage = f'it is cut off after byte {end}'
    _look_into_chunks(file, contents, only_unknown=True)
    statistics = contents.summary.statistics
    if statistics and statistics.message_count != contents.counts.total():
        _look_into_chunks(file, contents, only_unknown=False)
        found, stated = contents.counts.total(), statistics.message_count
        if found != stated and not contents.damage:
            contents.damage = f'it must hold {stated} messages, but has {found}'
    return contents


def _records(file: BinaryIO, size: int) -> Iterator[tuple[int, int, int]]:
    """Iterate over the whole records of a file: kind, position, and position after it.

    The file is where the content of the record begins.
    """
    position = len(MAGIC)
    while position + RECORD.size <= size:
        file.seek(position)
        kind, length = RECORD.unpack(file.read(RECORD.size))
        end = position + RECORD.size + length
        if end > size:
            return
        yield kind, position, end
        if kind == Opcode.FOOTER:
            return
        position = end


def _note_record(file: BinaryIO, kind: int, start: int, end: int, contents: Contents) -> None:
    """Take note of what a record adds to the contents of a file."""
    if kind == Opcode.CHUNK:
        first, last, *_ = CHUNK_HEAD.unpack(file.read(CHUNK_HEAD.size))
        contents.stretches.append(Stretch(start, end, first, last, is_chunk=True))
    elif kind == Opcode.MESSAGE_INDEX:
        channel, length = INDEX_HEAD.unpack(file.read(INDEX_HEAD.size))
        if length and contents.stretches and contents.stretches[-1].is_chunk:
            contents.stretches[-1].counts[channel] += length // INDEX_ITEM
    elif kind == Opcode.MESSAGE:
        channel, _, time, _ = MESSAGE_HEAD.unpack(file.read(MESSAGE_HEAD.size))
        run = _continue_run(contents.stretches, start, end, time)
        run.end, run.first, run.last = end, min(run.first, time), max(run.last, time)
        run.counts[channel] += 1
    elif kind in (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.STATISTICS):
        _note_definition(contents.summary, kind, file.read(end - file.tell()))


def _continue_run(stretches: list[Stretch], start: int, end: int, time: int) -> Stretch:
    """Return the run of messages that one at this place continues, or else a new one."""
    newest = stretches[-1] if stretches else None
    if (
        newest is None
        or newest.is_chunk
        or newest.end != start
        or end - newest.start > LONGEST_RUN
    ):
        newest = Stretch(start, end, time, time, is_chunk=False)
        stretches.append(newest)
    return newest


def _look_into_chunks(file: BinaryIO, contents: Contents, *, only_unknown: bool) -> None:
    """Read chunks to learn what they hold: all, or those whose index does not say it."""
    for stretch in contents.stretches:
        is_known = stretch.counts and stretch.counts.keys() <= contents.summary.channels.keys()
        if not stretch.is_chunk or (is_known and only_unknown):
            continue
        stretch.counts.clear()
        try:
            data = load(file, stretch)
            for kind, begin, end in split(data):
                if kind == Opcode.MESSAGE:
                    stretch.counts[MESSAGE_HEAD.unpack_from(data, begin)[0]] += 1
                else:
                    _note_definition(contents.summary, kind, data[begin:end])
        except Exception as error:  # each compression has its own
            contents.damage = (
                f'the chunk at byte {stretch.start} cannot be read: {describe(error)}'
            )


def _note_definition(summary: Summary, kind: int, content: bytes) -> None:
    """Take note of a record that says what messages are, or how many."""
    stream = ReadDataStream(BytesIO(content))
    if kind == Opcode.SCHEMA:
        schema = Schema.read(stream)
        summary.schemas[schema.id] = schema
    elif kind == Opcode.CHANNEL:
        channel = Channel.read(stream)
        summary.channels[channel.id] = channel
    elif kind == Opcode.STATISTICS:
        summary.statistics = Statistics.read(stream)
