"""Messages of mcap files: whole, without an index, cut off, or damaged in the middle."""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, BinaryIO

from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Schema
from mcap.stream_reader import get_chunk_data_stream
from mcap.summary import Summary

from yolact_core.errors import InputError
from yolact_ros.bag.io.storage import (
    CDR,
    FOREVER,
    ROS1,
    Entry,
    ReportDamage,
    Topic,
    describe,
)

if TYPE_CHECKING:
    from rosbags.interfaces import Qos

RECORD = struct.Struct('<BQ')  # kind of record, and bytes that follow
CHUNK_HEAD = struct.Struct('<QQQII')  # first and last time, size, checksum, length of a name
MESSAGE_HEAD = struct.Struct('<HIQQ')  # channel, number, times of recording and of publishing
time_of = attrgetter('time')


@dataclass
class Stretch:
    """Part of a file with messages: a chunk, or messages in a row that are in none.

    Args:
        start: Position of its first byte.
        end: Position after its last byte.
        first: Time of its first message, ns since 1970.
        last: Time of its last message, ns since 1970.
        is_chunk: Whether it is a chunk.
        counts: Number of messages of each channel.
    """

    start: int
    end: int
    first: int
    last: int
    is_chunk: bool
    counts: Counter[int] = field(default_factory=Counter)


@dataclass
class Contents:
    """What an mcap file holds, and where.

    Args:
        summary: Schemas, channels and statistics, from the end of the file or from all of it.
        stretches: Where the messages are.
        damage: What is wrong with the file; empty for nothing.
    """

    summary: Summary
    stretches: list[Stretch] = field(default_factory=list)
    damage: str = ''

    @property
    def counts(self) -> Counter[int]:
        """Number of messages of each channel."""
        total: Counter[int] = Counter()
        for stretch in self.stretches:
            total.update(stretch.counts)
        return total


class McapStorage:
    """An mcap file, of which everything is read that is whole.

    Args:
        file: The file, which is closed with this.
        contents: What it holds.
    """

    def __init__(self, file: BinaryIO, contents: Contents) -> None:
        self._file = file
        counts = contents.counts
        self.damage = contents.damage
        self._stretches = [stretch for stretch in contents.stretches if stretch.counts]
        self._topics = {
            number: _make_topic(
                channel, contents.summary.schemas.get(channel.schema_id), counts[number]
            )
            for number, channel in contents.summary.channels.items()
        }
        self.topics = tuple(self._topics.values())
        self.times: tuple[int, int] | None = None
        if self._stretches:
            first = min(stretch.first for stretch in self._stretches)
            self.times = first, max(stretch.last for stretch in self._stretches) + 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def messages(
        self, topics: Collection[str], start: int, stop: int, on_damage: ReportDamage
    ) -> Iterator[Entry]:
        """Iterate over messages in the order of recording.

        No more is held than the stretches that overlap at the present time.
        """
        wanted = {key: topic for key, topic in self._topics.items() if topic.name in topics}
        stretches = [
            stretch
            for stretch in sorted(self._stretches, key=lambda one: (one.first, one.start))
            if stretch.first < stop
            and stretch.last >= start
            and not wanted.keys().isdisjoint(stretch.counts)
        ]
        begins = [*(stretch.first for stretch in stretches[1:]), FOREVER]
        held: list[Entry] = []
        for stretch, next_begin in zip(stretches, begins, strict=False):
            for entry in self._read(stretch, wanted, on_damage):
                if start <= entry.time < stop:
                    held.append(entry)
            held.sort(key=time_of)
            count = bisect_left(held, next_begin, key=time_of)
            yield from held[:count]
            del held[:count]

    def _read(
        self, stretch: Stretch, wanted: Mapping[int, Topic], on_damage: ReportDamage
    ) -> Iterator[Entry]:
        """Iterate over the messages of a stretch, as far as it can be read."""
        try:
            data = load(self._file, stretch)
            for kind, begin, end in split(data):
                if kind != Opcode.MESSAGE:
                    continue
                channel, _, time, _ = MESSAGE_HEAD.unpack_from(data, begin)
                if topic := wanted.get(channel):
                    message = data[begin + MESSAGE_HEAD.size : end]
                    yield Entry(topic.name, topic.type, time, message, topic.encoding)
        except Exception as error:  # each compression has its own
            on_damage(f'the messages at byte {stretch.start} cannot be read: {describe(error)}')


def load(file: BinaryIO, stretch: Stretch) -> bytes:
    """Return the records of a stretch, decompressed.

    Raises:
        Exception: It is damaged; each compression has exceptions of its own.
    """
    file.seek(stretch.start)
    if not stretch.is_chunk:
        return _read_exactly(file, stretch.end - stretch.start)
    size = stretch.end - stretch.start - RECORD.size
    if RECORD.unpack(file.read(RECORD.size)) != (Opcode.CHUNK, size):
        raise InputError('there is no chunk')
    first, last, whole_size, checksum, length = CHUNK_HEAD.unpack(file.read(CHUNK_HEAD.size))
    compression, _ = str(file.read(length), 'ascii'), file.read(8)
    content = _read_exactly(file, size - CHUNK_HEAD.size - length - 8)
    chunk = Chunk(compression, content, last, first, checksum, whole_size)
    stream, whole_size = get_chunk_data_stream(chunk, validate_crc=True)
    return stream.read(whole_size)


def _read_exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(max(size, 0))
    if len(data) != size:
        raise InputError('it is cut off, or its sizes are wrong')
    return data


def split(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Iterate over records: kind, and where the content begins and ends.

    Raises:
        InputError: The last one is cut off.
    """
    end = 0
    while end < len(data):
        kind, length = RECORD.unpack_from(data, end)
        begin = end + RECORD.size
        end = begin + length
        if end > len(data):
            raise InputError('a record is cut off')
        yield kind, begin, end


def _make_topic(channel: Channel, schema: Schema | None, count: int) -> Topic:
    kind, encoding = schema.name if schema else 'no schema', channel.message_encoding
    if encoding == ROS1:
        kind = kind.replace('/', '/msg/')
    elif encoding != CDR:
        kind = f'{kind} ({encoding})'
    return Topic(channel.topic, kind, count, encoding, _read_qos(channel))


def _read_qos(channel: Channel) -> tuple[Qos, ...]:
    from rosbags.rosbag2.metadata import parse_qos

    try:
        return tuple(parse_qos(channel.metadata.get('offered_qos_profiles', '')))
    except Exception:  # of whatever stands there
        return ()
