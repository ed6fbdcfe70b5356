"""mcap files: whole, without an index, cut off, or damaged in the middle."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mcap.records import Channel, Message, Schema

from yolact_ros.bag.io.mcap_contents import Stretch, find_contents, read_stretch
from yolact_ros.bag.io.storage import CDR, ROS1, Entry, Topic, describe

if TYPE_CHECKING:
    from rosbags.interfaces import Qos


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
        wanted = {key: topic for key, topic in self._topics.items() if topic.name in topics}
        waiting = [
            stretch
            for stretch in sorted(self._stretches, key=lambda one: (-one.first, -one.start))
            if not wanted.keys().isdisjoint(stretch.counts)
            and (start is None or stretch.last >= start)
            and (stop is None or stretch.first < stop)
        ]
        held: list[tuple[int, int, int, Message]] = []  # time, place twice over, message
        while waiting or held:
            while waiting and (not held or waiting[-1].first <= held[0][0]):
                stretch = waiting.pop()
                for number, message in enumerate(self._read(stretch, on_damage)):
                    time = message.log_time
                    is_due = (start is None or time >= start) and (stop is None or time < stop)
                    if is_due and message.channel_id in wanted:
                        heapq.heappush(held, (time, stretch.start, number, message))
            if held:
                time, _, _, message = heapq.heappop(held)
                topic = wanted[message.channel_id]
                yield Entry(topic.name, topic.type, time, message.data, topic.encoding)

    def _read(self, stretch: Stretch, on_damage: Callable[[str], None]) -> list[Message]:
        try:
            records = read_stretch(self._file, stretch)
        except Exception as error:  # each compression has its own
            on_damage(f'the messages at byte {stretch.start} cannot be read: {describe(error)}')
            return []
        return [record for record in records if isinstance(record, Message)]


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
