"""mcap files: whole, without an index, cut off, or damaged in the middle."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from mcap.opcode import Opcode
from mcap.records import Channel, Schema

from yolact_ros.bag.io.mcap_contents import MESSAGE_HEAD, Stretch, find_contents, load, split
from yolact_ros.bag.io.storage import CDR, ROS1, Entry, Topic, describe

if TYPE_CHECKING:
    from rosbags.interfaces import Qos

FOREVER = 2**64  # ns, later than any message
time_of = attrgetter('time')


class McapStorage:
    """An mcap file, of which everything is read that is whole.

    Args:
        path: The file.

    Raises:
        InputError: It is no mcap file, or nothing of it is whole.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open('rb')
        try:
            contents = find_contents(self._file, path.stat().st_size)
        except BaseException:
            self._file.close()
            raise
        counts = contents.counts
        self.damage = contents.damage
        self._stretches = [stretch for stretch in contents.stretches if stretch.counts]
        self._topics = {
            number: _make_topic(channel, contents.schemas.get(channel.schema_id), counts[number])
            for number, channel in contents.channels.items()
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
        self,
        topics: Collection[str],
        start: int | None,
        stop: int | None,
        on_damage: Callable[[str], None],
    ) -> Iterator[Entry]:
        """Iterate over messages in the order of recording.

        No more is held than the stretches that overlap at the present time.
        """
        start, stop = start or 0, FOREVER if stop is None else stop
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
        self, stretch: Stretch, wanted: Mapping[int, Topic], on_damage: Callable[[str], None]
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
