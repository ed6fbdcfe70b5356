"""Messages of mcap files: whole, without an index, cut off, or damaged in the middle."""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import BinaryIO

from mcap.opcode import Opcode
from mcap.records import Channel, Schema
from mcap.summary import Summary

from yolact_core.errors import InputError
from yolact_ros.bag.io.compression import unpack_chunk
from yolact_ros.bag.io.mcap_records import CHUNK_HEAD, MESSAGE_HEAD, RECORD, split
from yolact_ros.bag.io.storage import (
    CDR,
    FOREVER,
    ROS1,
    Entry,
    Loss,
    ReportLoss,
    Topic,
    describe,
    read_qos,
)

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
        index_end: Position after its index, which follows a chunk; 0 for messages in none.
        is_damaged: Whether it is known already that not all of it can be read.
    """

    start: int
    end: int
    first: int
    last: int
    is_chunk: bool
    counts: Counter[int] = field(default_factory=Counter)
    index_end: int = 0
    is_damaged: bool = False

    @property
    def has_times(self) -> bool:
        """Whether its times can be those of messages; some recorders leave them at zero."""
        return 0 < self.last >= self.first

    def lose(self, reason: str, messages: int | None) -> Loss:
        """Return the loss of so many of its messages."""
        what = 'chunk' if self.is_chunk else 'messages'
        reason = f'the {what} at byte {self.start} cannot be read: {reason}'
        return Loss(reason, messages, self.end - self.start, self.first, self.last)


@dataclass
class Contents:
    """What an mcap file holds, and where.

    Args:
        summary: Schemas, channels and statistics, from the end of the file or from all of it.
        stretches: Where the messages are.
        losses: What cannot be read.
    """

    summary: Summary
    stretches: list[Stretch] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    @property
    def counts(self) -> Counter[int]:
        """Number of messages of each channel."""
        total: Counter[int] = Counter()
        for stretch in self.stretches:
            total.update(stretch.counts)
        return total

    @property
    def has_stated_counts(self) -> bool:
        """Whether there are as many messages as the statistics say: in all and of each channel."""
        statistics, counts = self.summary.statistics, self.counts
        if statistics is None:
            return True
        stated = +Counter(statistics.channel_message_counts)
        return statistics.message_count == counts.total() and stated in (Counter(), +counts)


class McapStorage:
    """An mcap file, of which everything is read that is whole.

    Args:
        file: The file, which is closed with this.
        contents: What it holds.
    """

    def __init__(self, file: BinaryIO, contents: Contents) -> None:
        self._file = file
        counts = contents.counts
        self.losses = tuple(contents.losses)
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
        self, topics: Collection[str], start: int, stop: int, on_loss: ReportLoss
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
            for entry in self._read(stretch, wanted, on_loss):
                if start <= entry.time < stop:
                    held.append(entry)
            held.sort(key=time_of)
            count = bisect_left(held, next_begin, key=time_of)
            yield from held[:count]
            del held[:count]

    def _read(
        self, stretch: Stretch, wanted: Mapping[int, Topic], on_loss: ReportLoss
    ) -> Iterator[Entry]:
        """Iterate over the messages of a stretch, as far as it can be read."""
        seen, reason, is_in_time = 0, 'there are fewer messages than its index says', True
        try:
            data = load(self._file, stretch)
            for kind, begin, end in split(data):
                if kind != Opcode.MESSAGE:
                    continue
                seen += 1
                channel, _, time, _ = MESSAGE_HEAD.unpack_from(data, begin)
                is_in_time &= stretch.first <= time <= stretch.last
                if topic := wanted.get(channel):
                    message = data[begin + MESSAGE_HEAD.size : end]
                    yield Entry(topic.name, topic.type, time, message, topic.encoding)
        except Exception as error:  # each compression has its own
            reason = describe(error)
        lost = stretch.counts.total() - seen
        if lost > 0 and not stretch.is_damaged:
            on_loss(stretch.lose(reason, lost))
        if not is_in_time:
            reason = f'the chunk at byte {stretch.start} says other times than its messages'
            on_loss(Loss(reason, messages=0))


def load(file: BinaryIO, stretch: Stretch) -> bytes:
    """Return the records of a stretch, decompressed.

    Raises:
        Exception: It is damaged; each compression has exceptions of its own.
    """
    if not stretch.is_chunk:
        file.seek(stretch.start)
        return _read_exactly(file, stretch.end - stretch.start)
    size = stretch.end - stretch.start - RECORD.size
    file.seek(stretch.start + RECORD.size)
    _, _, whole_size, checksum, length = CHUNK_HEAD.unpack(file.read(CHUNK_HEAD.size))
    compression, _ = str(file.read(length), 'ascii'), file.read(8)
    content = _read_exactly(file, size - CHUNK_HEAD.size - length - 8)
    data = unpack_chunk(compression, content, whole_size)
    if checksum and zlib.crc32(data) != checksum:
        raise InputError('its checksum is wrong')
    return data


def _read_exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(max(size, 0))
    if len(data) != size:
        raise InputError('it is cut off, or its sizes are wrong')
    return data


def _make_topic(channel: Channel, schema: Schema | None, count: int) -> Topic:
    kind, encoding = schema.name if schema else 'no schema', channel.message_encoding
    if encoding == ROS1:
        kind = kind.replace('/', '/msg/')
    elif encoding != CDR:
        kind = f'{kind} ({encoding})'
    return Topic(
        channel.topic,
        kind,
        count,
        encoding,
        read_qos(channel.metadata.get('offered_qos_profiles', '')),
    )
