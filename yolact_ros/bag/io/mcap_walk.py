"""Find the messages of an mcap file from record to record, without its end or after damage."""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Schema, Statistics
from mcap.summary import Summary

from yolact_ros.bag.io.mcap_records import (
    CHUNK_HEAD,
    INDEX_HEAD,
    INDEX_ITEM,
    MESSAGE_HEAD,
    NO_RECORD,
    RECORD,
    RecordFinder,
    split,
)
from yolact_ros.bag.io.mcap_storage import Contents, Stretch, load
from yolact_ros.bag.io.storage import Loss, describe

LONGEST_RUN = 2**22  # bytes of messages outside of chunks that are read at once


def walk(file: BinaryIO, size: int) -> Contents:
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
    if not contents.has_stated_counts:
        _look_into_chunks(file, contents, only_unknown=False)
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
        _note_definition(contents, kind, file.read(end - file.tell()))


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
        is_indexed = stretch.counts and stretch.counts.keys() <= contents.summary.channels.keys()
        is_known = is_indexed and stretch.has_times
        if not stretch.is_chunk or stretch.is_damaged or (is_known and only_unknown):
            continue
        indexed = stretch.counts.total()
        stretch.counts.clear()
        times: list[int] = []
        try:
            data = load(file, stretch)
            for kind, begin, end in split(data):
                if kind == Opcode.MESSAGE:
                    channel, _, time, _ = MESSAGE_HEAD.unpack_from(data, begin)
                    stretch.counts[channel] += 1
                    times.append(time)
                else:
                    _note_definition(contents, kind, data[begin:end])
        except Exception as error:  # each compression has its own
            stretch.is_damaged = True
            lost = indexed - stretch.counts.total() if indexed else None
            contents.losses.append(stretch.lose(describe(error), lost))
        if times and not stretch.has_times:
            stretch.first, stretch.last = min(times), max(times)


def _note_definition(contents: Contents, kind: int, content: bytes) -> None:
    """Take note of a record that says what messages are, or how many."""
    stream, summary = ReadDataStream(BytesIO(content)), contents.summary
    if kind == Opcode.SCHEMA:
        schema = Schema.read(stream)
        known = summary.schemas.setdefault(schema.id, schema)
        _hold_together(f'type {schema.id}', known.name, schema.name, contents)
    elif kind == Opcode.CHANNEL:
        channel = Channel.read(stream)
        first = summary.channels.setdefault(channel.id, channel)
        before, after = (
            f'{one.topic} of type {one.schema_id} in {one.message_encoding}'
            for one in (first, channel)
        )
        _hold_together(f'channel {channel.id}', before, after, contents)
    elif kind == Opcode.STATISTICS:
        summary.statistics = Statistics.read(stream)


def _hold_together(what: str, before: str, after: str, contents: Contents) -> None:
    """Note that something is defined twice, and not in the same way; the first one is taken."""
    if before != after:
        contents.losses.append(Loss(f'it defines {what} as {before} and then as {after}'))
