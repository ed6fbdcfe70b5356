"""What one file of a bag offers, whichever format it has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from yolact_ros.messages.types import IMAGE_TYPES

if TYPE_CHECKING:
    from rosbags.interfaces import Qos

CDR, ROS1 = 'cdr', 'ros1'  # how messages of ROS 2 and of ROS 1 are serialized
ROS1_SUFFIX = '.bag'
NS_PER_S = 1_000_000_000
MOST_REASONS = 3  # that are told
ALWAYS, FOREVER = -(2**63), 2**64  # ns, before and after any message


@dataclass(frozen=True)
class Loss:
    """Something of a bag that cannot be read.

    Args:
        reason: What is wrong, as the end of a sentence.
        messages: Number of messages that are lost; None if nobody knows.
        size: Number of bytes that are lost; None if nobody knows.
        start: Time from which on messages are lost, ns since 1970; None if nobody knows.
        end: Time until which messages are lost, ns since 1970; None if nobody knows.
        bag: Path of the bag.
    """

    reason: str
    messages: int | None = None
    size: int | None = None
    start: int | None = None
    end: int | None = None
    bag: str = ''

    def __str__(self) -> str:
        lost = [
            f'{self.messages} messages' if self.messages else '',
            f'{self.size} bytes' if self.size else '',
            '' if self.start is None else f'from {self.start / NS_PER_S:.3f} s',
            '' if self.end is None else f'to {self.end / NS_PER_S:.3f} s',
        ]
        extent = ' '.join(filter(None, lost))
        return f'bag {self.bag} must be whole, but {self.reason}' + (
            f' (lost: {extent})' if extent else ''
        )


ReportLoss = Callable[[Loss], None]


def lose_images(
    bag: Path, count: int, reasons: Iterable[str], start: int | None, end: int | None
) -> list[Loss]:
    """Return the loss of images that cannot be used, if there are any.

    Args:
        bag: Path of the bag.
        count: Number of images.
        reasons: What is wrong with them; each reason is told once, and three at most.
        start: Time of the first of them, ns since 1970.
        end: Time of the last of them, ns since 1970.
    """
    told = '; '.join(list(dict.fromkeys(reasons))[:MOST_REASONS])
    reason = f'images cannot be used{told and f": {told}"}'
    return [Loss(reason, count, None, start, end, str(bag))] if count else []


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
        losses: What of the file cannot be read, as far as opening it shows.
    """

    topics: tuple[Topic, ...]
    times: tuple[int, int] | None
    losses: tuple[Loss, ...]

    def messages(
        self, topics: Collection[str], start: int, stop: int, on_loss: ReportLoss
    ) -> Iterator[Entry]:
        """Iterate over messages in the order of recording.

        Args:
            topics: Names of their topics.
            start: Time of the first, ns since 1970.
            stop: Time after the last, ns since 1970.
            on_loss: Function that is given what cannot be read and is left out.
        """

    def close(self) -> None:
        """Close the file."""


def describe(error: Exception) -> str:
    """Return what an exception of any library says, in one line that is never empty."""
    return ' '.join(str(error).split()) or type(error).__name__


def read_qos(text: str) -> tuple[Qos, ...]:
    """Return the quality of service that a recorder wrote down; nothing if it is not readable."""
    from rosbags.rosbag2.metadata import parse_qos

    try:
        return tuple(parse_qos(text))
    except Exception:  # of whatever stands there
        return ()


class Ros1Storage:
    """A bag of ROS 1, as rosbags reads it.

    Args:
        path: A ``.bag`` file.

    Raises:
        Exception: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        from rosbags.rosbag1 import Reader

        self._reader = Reader(path)
        self._reader.open()
        self.losses: tuple[Loss, ...] = ()
        self.topics = tuple(
            Topic(one.topic, one.msgtype, one.msgcount, ROS1) for one in self._reader.connections
        )
        has_messages = self._reader.message_count > 0
        self.times = (self._reader.start_time, self._reader.end_time) if has_messages else None

    def messages(
        self, topics: Collection[str], start: int, stop: int, _: ReportLoss
    ) -> Iterator[Entry]:
        """Iterate over messages in the order of recording.

        Raises:
            Exception: The file cannot be read any further.
        """
        wanted = [one for one in self._reader.connections if one.topic in topics]
        if not wanted:
            return
        for one, time, data in self._reader.messages(wanted, start, stop):
            yield Entry(one.topic, one.msgtype, time, bytes(data), ROS1)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
