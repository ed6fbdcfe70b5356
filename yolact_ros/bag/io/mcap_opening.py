"""Find where the messages of an mcap file are, even without an index or after damage.

The end of a whole file lists its chunks. Where that end is missing or does not list everything,
the file is walked from record to record instead; only their heads are read. Either way the result
is a list of stretches, each of which can be read by itself.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, ChunkIndex, Schema, Statistics
from mcap.summary import Summary

from yolact_core.errors import InputError
from yolact_ros.bag.io.mcap_records import (
    CHUNK_HEAD,
    MAGIC,
    MESSAGE_HEAD,
    NO_RECORD,
    RECORD,
    RecordFinder,
    read_head,
    split,
)
from yolact_ros.bag.io.mcap_storage import Contents, McapStorage, Stretch, load
from yolact_ros.bag.io.storage import Loss, describe

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
    end = ''
    try:
        if contents := _read_summary(file, size):
            return contents
    except Exception as error:  # of whatever is taken for an end
        end = f'its end cannot be read: {describe(error)}'
    contents = _walk(file, size)
    if end and not contents.losses:
        contents.losses.append(Loss(end, messages=0))
    if contents.losses and not contents.counts:
        reasons = '; '.join(dict.fromkeys(loss.reason for loss in contents.losses))
        raise InputError(f'{reasons}; there is not one whole message in it')
    return contents


def _read_summary(file: BinaryIO, size: int) -> Contents | None:
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
        _agree(summary.statistics, contents.counts)
        and contents.counts.keys() <= summary.channels.keys()
        and {one.schema_id for one in summary.channels.values()} <= {0, *summary.schemas}
        and all(_is_there(file, size, stretch) for stretch in stretches)
    )
    return contents if is_all else None


def _agree(statistics: Statistics, counts: Counter[int]) -> bool:
    """Return whether a file holds as many messages as it says: in all, and of each channel."""
    stated = +Counter(statistics.channel_message_counts)
    is_right_total = statistics.message_count == counts.total()
    return is_right_total and (not stated or stated == +counts)


def _is_there(file: BinaryIO, size: int, chunk: Stretch) -> bool:
    """Return whether a chunk is where the index says, and of the same time."""
    if read_head(file, chunk.start, size) != (Opcode.CHUNK, chunk.end):
        return False
    file.seek(chunk.start + RECORD.size)
    first, last, *_ = CHUNK_HEAD.unpack(file.read(CHUNK_HEAD.size))
    return (first, last) == (chunk.first, chunk.last)


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
    """Find all messages of a file from record to record."""
    contents = Contents(Summary())
    gaps: list[tuple[int, int, int]] = []  # begin, end, and number of stretches before
    kind = NO_RECORD
    for kind, start, end in RecordFinder(file, size):
        if kind == NO_RECORD:
            gaps.append((start, end, len(contents.stretches)))
            continue
        file.seek(start + RECORD.size)
        try:
            _note_record(file, kind, start, end, contents)
        except Exception as error:  # whatever bytes may lead to
            reason = f'the record at byte {start} cannot be read: {describe(error)}'
            contents.losses.append(Loss(reason, size=end - start))
    if kind != Opcode.FOOTER and (not gaps or gaps[-1][1] < size):
        gaps.append((size, size, len(contents.stretches)))
    contents.losses += [
        _lose_gap(contents.stretches[:before], contents.stretches[before:], start, end, size)
        for start, end, before in gaps
    ]
    _look_into_chunks(file, contents, only_unknown=True)
    statistics = contents.summary.statistics
    if statistics and not _agree(statistics, contents.counts):
        _look_into_chunks(file, contents, only_unknown=False)
    _hold_against_definitions(contents)
    return contents


def _lose_gap(
    before: list[Stretch], after: list[Stretch], start: int, end: int, size: int
) -> Loss:
    """Return what is lost by bytes that are no records, between other messages."""
    is_end = end == size
    damaged = f'its bytes {start} to {end} are damaged'
    return Loss(
        f'it is cut off after byte {start}' if is_end else damaged,
        size=end - start,
        start=max((stretch.last for stretch in before), default=None),
        end=min((stretch.first for stretch in after), default=None),
    )


def _hold_against_definitions(contents: Contents) -> None:
    """Note what the statistics or the channels of a file lead to expect, but is not there."""
    summary, counts = contents.summary, contents.counts
    if summary.statistics and not _agree(summary.statistics, counts):
        found, stated = counts.total(), summary.statistics.message_count
        reason = f'it must hold {stated} messages, but has {found}'
        if found == stated:
            reason = 'its statistics count other messages of each channel than there are'
        contents.losses.append(Loss(reason, messages=max(stated - found, 0)))
    if nameless := sum(counts[one] for one in counts.keys() - summary.channels.keys()):
        contents.losses.append(Loss('it does not name the topics of all messages', nameless))


def _note_record(file: BinaryIO, kind: int, start: int, end: int, contents: Contents) -> None:
    """Take note of what a record adds to the contents of a file."""
    if kind == Opcode.CHUNK:
        first, last, *_ = CHUNK_HEAD.unpack(file.read(CHUNK_HEAD.size))
        contents.stretches.append(Stretch(start, end, first, last, is_chunk=True, index_end=end))
    elif kind == Opcode.MESSAGE_INDEX:
        channel, length = INDEX_HEAD.unpack(file.read(INDEX_HEAD.size))
        chunk = contents.stretches[-1] if contents.stretches else None
        if chunk and chunk.index_end == start:
            chunk.index_end = end
            chunk.counts[channel] += length // INDEX_ITEM
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
        if not stretch.is_chunk or stretch.is_damaged or (is_known and only_unknown):
            continue
        indexed = stretch.counts.total()
        stretch.counts.clear()
        try:
            data = load(file, stretch)
            for kind, begin, end in split(data):
                if kind == Opcode.MESSAGE:
                    stretch.counts[MESSAGE_HEAD.unpack_from(data, begin)[0]] += 1
                else:
                    _note_definition(contents.summary, kind, data[begin:end])
        except Exception as error:  # each compression has its own
            stretch.is_damaged = True
            lost = indexed - stretch.counts.total() if indexed else None
            contents.losses.append(stretch.lose(describe(error), lost))


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
