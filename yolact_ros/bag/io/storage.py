"""What one file of a bag offers, whichever format it has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from yolact_ros.messages.types import IMAGE_TYPES

if TYPE_CHECKING:
    from rosbags.interfaces import Connection, Qos

CDR, ROS1 = 'cdr', 'ros1'  # how messages of ROS 2 and of ROS 1 are serialized
ROS1_SUFFIX = '.bag'
FOREVER = 2**63 - 1  # ns, later than any message

ReportDamage = Callable[[str], None]  # is given a sentence, or part of one


@dataclass(frozen=True)
class Topic:
    """A topic of a bag.

    Args:
        name: Name as recorded.
        type: Type of the messages, such as ``sensor_msgs/msg/Image``; where it is none of ROS,
            its encoding follows in parentheses.
        count: Number of messages.
        encoding: How the messages are serialized: ``cdr``, ``ros1``, ``json``, ...
        qos: Quality of service that the recorded publishers offered, where that is known.
    """

    name: str
    type: str
    count: int
    encoding: str = CDR
    qos: tuple[Qos, ...] = ()

    @property
    def is_image(self) -> bool:
        """Whether its messages are images, raw or compressed."""
        return self.type in IMAGE_TYPES

    @property
    def is_latched(self) -> bool:
        """Whether one of the recorded publishers kept messages for late subscribers."""
        return any(profile.durability.name == 'TRANSIENT_LOCAL' for profile in self.qos)

    def __str__(self) -> str:
        return f'{self.name} ({self.type})'


@dataclass(frozen=True)
class Entry:
    """One message, still serialized.

    Args:
        topic: Name of its topic.
        type: Type of the message.
        time: When it was recorded, ns since 1970.
        data: Bytes of the message.
        encoding: How it is serialized, as in ``Topic``.
    """

    topic: str
    type: str
    time: int
    data: bytes
    encoding: str = CDR


class Storage(Protocol):
    """A file of a bag, open for reading.

    Attributes:
        topics: Topics with the number of their messages; one that several publishers had may
            occur several times.
        times: Time of the first message, and the time just after the last, both in ns since 1970;
            None without messages.
        damage: What is wrong with the file as a whole, without its name; empty for nothing.
    """

    topics: tuple[Topic, ...]
    times: tuple[int, int] | None
    damage: str

    def messages(
        self, topics: Collection[str], start: int, stop: int, on_damage: ReportDamage
    ) -> Iterator[Entry]:
        """Iterate over messages in the order of recording.

        Args:
            topics: Names of their topics.
            start: Time of the first, ns since 1970.
            stop: Time after the last, ns since 1970.
            on_damage: Function that is given what cannot be read and is left out.
        """

    def close(self) -> None:
        """Close the file."""


def describe(error: Exception) -> str:
    """Return what an exception of any library says, in one line that is never empty."""
    return ' '.join(str(error).split()) or type(error).__name__


class RosbagsStorage:
    """A database of ROS 2, or a bag of ROS 1, as rosbags reads it.

    Args:
        path: A ``.db3`` or ``.bag`` file.

    Raises:
        Exception: It cannot be read; each format has exceptions of its own.
    """

    def __init__(self, path: Path) -> None:
        from rosbags.rosbag1 import Reader as Reader1
        from rosbags.rosbag2 import Reader as Reader2

        self._is_ros1 = path.suffix == ROS1_SUFFIX
        self._reader: Reader1 | Reader2 = Reader1(path) if self._is_ros1 else Reader2(path)
        self._reader.open()
        self.damage = ''
        self.topics = tuple(map(self._make_topic, self._reader.connections))
        has_messages = self._reader.message_count > 0
        self.times = (self._reader.start_time, self._reader.end_time) if has_messages else None

    def messages(
        self, topics: Collection[str], start: int, stop: int, _: ReportDamage
    ) -> Iterator[Entry]:
        """Iterate over messages in the order of recording.

        Raises:
            Exception: The file cannot be read any further.
        """
        encodings = {topic.name: topic.encoding for topic in self.topics}
        wanted = [one for one in self._reader.connections if one.topic in topics]
        if not wanted:
            return
        for one, time, data in self._reader.messages(wanted, start, stop):
            yield Entry(one.topic, one.msgtype, time, bytes(data), encodings[one.topic])

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def _make_topic(self, connection: Connection) -> Topic:
        more: Any = connection.ext  # of either ROS
        return Topic(
            name=connection.topic,
            type=connection.msgtype,
            count=connection.msgcount,
            encoding=ROS1 if self._is_ros1 else more.serialization_format,
            qos=() if self._is_ros1 else tuple(more.offered_qos_profiles),
        )
