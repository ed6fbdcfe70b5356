"""Bags of ROS 2 and ROS 1, as far as they can be read."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from yolact_core.errors import InputError
from yolact_ros.bag.io.opening import is_ros1, open_readers
from yolact_ros.bag.io.types import (
    COMPRESSED_IMAGE,
    IMAGE_TYPES,
    require_rosbags,
    ros1_types,
    ros2_types,
)

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

NS_PER_S = 1_000_000_000
DEPTH_ENCODINGS = ('16UC1', '32FC1')

Message = Any  # of rosbags, with the attributes of its type


@dataclass(frozen=True)
class Topic:
    """A topic of a bag.

    Args:
        name: As recorded.
        type: Such as ``sensor_msgs/msg/Image``.
        count: Of its messages.
    """

    name: str
    type: str
    count: int

    @property
    def is_image(self) -> bool:
        """Whether its messages are images, raw or compressed."""
        return self.type in IMAGE_TYPES


@dataclass(frozen=True)
class Entry:
    """One message, still serialized.

    Args:
        topic: Name of its topic.
        type: Of the message.
        time: When it was recorded, ns since 1970.
        data: The message.
    """

    topic: str
    type: str
    time: int
    data: bytes


class Bag:
    """A bag, open for reading: a context manager.

    What is damaged is told to ``on_damage``, and what is whole is read.

    Args:
        path: A folder, an ``.mcap`` or ``.db3`` file, or a ``.bag`` file of ROS 1.
        on_damage: Is told in one sentence what cannot be read.

    Raises:
        InputError: Nothing of it can be read, or rosbags is not installed.
    """

    def __init__(self, path: Path, on_damage: Callable[[str], None]) -> None:
        require_rosbags()
        if not path.exists():
            raise InputError(f'bag must be a folder or file that exists, got {str(path)!r}')
        self.path = path
        self._on_damage = on_damage
        self._readers = open_readers(path, on_damage)
        self._is_ros1 = any(is_ros1(reader) for reader in self._readers)
        self.topics = _list_topics(self._readers)
        times = [
            (reader.start_time, reader.end_time)
            for reader in self._readers
            if reader.message_count
        ]
        self.start = min((start for start, _ in times), default=0)
        self.end = max((end for _, end in times), default=0)

    def __enter__(self) -> Bag:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its files, if that was not done before."""
        while self._readers:
            self._readers.pop().close()

    @property
    def duration(self) -> float:
        """Seconds from the first message to the last."""
        return max(self.end - 1 - self.start, 0) / NS_PER_S

    def entries(
        self, topics: Sequence[str], start: int | None = None, stop: int | None = None
    ) -> Generator[Entry, None, None]:
        """Iterate over the messages of some topics in the order of recording.

        It ends early, with a complaint, where the bag cannot be read any further.

        Args:
            topics: Their names.
            start: Time of the first, ns since 1970.
            stop: Time after the last.
        """
        try:
            parts = [self._read(reader, topics, start, stop) for reader in self._readers]
            yield from heapq.merge(*parts, key=lambda entry: entry.time)
        except GeneratorExit:
            raise
        except Exception as error:  # each storage has its own
            self._on_damage(
                f'bag {self.path} must be whole, but it cannot be read to its end: {error}'
            )

    def deserialize(self, entry: Entry) -> Message:
        """Return a message.

        Raises:
            InputError: It is cut off.
        """
        try:
            if self._is_ros1:
                return ros1_types().deserialize_ros1(entry.data, entry.type)
            return ros2_types().deserialize_cdr(entry.data, entry.type)
        except Exception as error:  # whatever bytes may lead to
            raise InputError(
                f'message on {entry.topic} must be a whole {entry.type}, '
                f'got {len(entry.data)} bytes that are none'
            ) from error

    def select_topic(self, name: str, kinds: Sequence[str]) -> Topic:
        """Return a topic of one of some types.

        Raises:
            InputError: There is no such topic; the error lists those that there are.
        """
        topic = next((topic for topic in self.topics if topic.name == name), None)
        if topic is None:
            raise InputError(f'topic must be one of {self.path}: {self._listed()}; got {name!r}')
        if topic.type not in kinds:
            raise InputError(f'{name} must be of type {" or ".join(kinds)}, got {topic.type}')
        return topic

    def select_images(self, names: Sequence[str]) -> list[Topic]:
        """Return topics of images: those that are named, or all but depth images.

        Raises:
            InputError: There is no such topic, or there are no images at all.
        """
        if names:
            return [self.select_topic(name, IMAGE_TYPES) for name in dict.fromkeys(names)]
        images = [
            topic
            for topic in self.topics
            if topic.is_image and topic.count and not self._has_depth(topic)
        ]
        if not images:
            raise InputError(f'bag {self.path} must hold images, got only: {self._listed()}')
        return images

    def _has_depth(self, topic: Topic) -> bool:
        """Return whether the first image of a topic is one of distances, as its encoding says."""
        for entry in self.entries([topic.name]):
            try:
                message = self.deserialize(entry)
            except InputError:
                continue
            return is_depth(message, topic.type)
        return False

    def _listed(self) -> str:
        return ', '.join(f'{topic.name} ({topic.type})' for topic in self.topics) or 'no topics'

    @staticmethod
    def _read(
        reader: Any,  # noqa: ANN401 - of either ROS
        topics: Sequence[str],
        start: int | None,
        stop: int | None,
    ) -> Iterator[Entry]:
        connections = [one for one in reader.connections if one.topic in topics]
        if connections:
            for connection, time, data in reader.messages(connections, start, stop):
                yield Entry(connection.topic, connection.msgtype, time, bytes(data))


def is_depth(message: Message, kind: str) -> bool:
    """Return whether an image is one of distances, as its encoding says.

    Args:
        message: The image.
        kind: Its type.
    """
    said: str = message.format if kind == COMPRESSED_IMAGE else message.encoding
    return said.startswith(DEPTH_ENCODINGS)


def _list_topics(readers: Sequence[Any]) -> tuple[Topic, ...]:
    """Return all topics by name; several publishers and files add up."""
    topics: dict[str, Topic] = {}
    connections: list[Connection] = [one for reader in readers for one in reader.connections]
    for one in connections:
        before = topics.get(one.topic)
        count = one.msgcount + (before.count if before else 0)
        topics[one.topic] = Topic(one.topic, one.msgtype, count)
    return tuple(topics[name] for name in sorted(topics))
