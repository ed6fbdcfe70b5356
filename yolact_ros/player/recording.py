"""What can be played: topics, what was on them when, and bags as such a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from sensor_msgs.msg import CompressedImage, Image

from yolact_core.errors import InputError
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Topic, require_rosbags
from yolact_ros.bag.io.storage import CDR
from yolact_ros.deserialization import deserialize

CAMERA_INFO, CAMERA_INFO_TYPE = 'camera_info', 'sensor_msgs/msg/CameraInfo'
COMPRESSED = '/compressed'


@dataclass(frozen=True)
class RecordedTopic:
    """A topic of a recording.

    Args:
        name: Name as recorded; ``image`` where the source is no bag.
        type: Class of its messages.
        is_latched: Whether late subscribers got the last message.
    """

    name: str
    type: type[Any]
    is_latched: bool = False

    @property
    def is_image(self) -> bool:
        """Whether the messages are images, raw or compressed."""
        return self.type in (Image, CompressedImage)

    @property
    def base_name(self) -> str:
        """The name without the transport at its end."""
        return self.name.removesuffix(COMPRESSED)

    @property
    def info_name(self) -> str:
        """The name of the camera info that belongs to these images."""
        return info_name(self.base_name)


@dataclass(frozen=True)
class RecordedMessage:
    """One message of a recording.

    Args:
        topic: Name of its topic.
        position: When to publish it, in ns after the first.
        time: When it was recorded, in ns since 1970.
        message: Message of the type of its topic.
    """

    topic: str
    position: int
    time: int
    message: Any


class Recording(Protocol):
    """Something that can be played, as often as asked for."""

    @property
    def topics(self) -> tuple[RecordedTopic, ...]:
        """What there is to publish."""

    @property
    def length(self) -> int:
        """Position at which the next round begins, in ns, known at the end of a round."""

    def entries(self) -> Iterator[RecordedMessage]:
        """Iterate over all messages in the order of their positions.

        Raises:
            InputError: There is not one that can be read.
        """

    def close(self) -> None:
        """Close all files."""


class BagRecording:
    """The messages of a bag.

    Args:
        path: Folder of the bag, or its only file.
        topics: Names of topics. Default: all images, and the camera infos that belong to them.
        rate: Images per second. The topic with most images sets the beat, the messages between
            two of its images come with the second. Default: as recorded.
        warn: Function that is given one sentence about what cannot be read; the rest is played.

    Raises:
        InputError: It is no bag of ROS 2, or lacks the topics.
    """

    def __init__(
        self,
        path: Path,
        topics: Sequence[str],
        rate: float | None,
        warn: Callable[[str], None],
    ) -> None:
        require_rosbags('play a bag')
        self._rate = rate
        self._warn = warn
        self._bag = Bag(path, warn, is_ros1_welcome=False)
        try:
            chosen = _select(self._bag, topics)
            self.topics = tuple(
                RecordedTopic(topic.name, _find_type(topic), topic.is_latched) for topic in chosen
            )
        except InputError:
            self.close()
            raise
        self._types = {topic.name: topic.type for topic in self.topics}
        images = [topic for topic in chosen if topic.is_image]
        self._beat = max(images or chosen[:1], key=lambda topic: topic.count).name
        self.length = 0

    def entries(self) -> Iterator[RecordedMessage]:
        """Iterate over all messages.

        Raises:
            InputError: There is not one that can be read.
        """
        first: int | None = None
        beats = position = 0
        for entry in self._bag.entries(list(self._types)):
            message = self._deserialize(entry)
            if message is None:
                continue
            first = entry.time if first is None else first
            # Never back, though a recorder may write messages in another order.
            position = max(position, self._place(entry.time - first, beats))
            beats += entry.topic == self._beat
            yield RecordedMessage(entry.topic, position, entry.time, message)
        if first is None:
            raise InputError(
                f'bag {self._bag.path} must hold at least one message that can be read'
            )
        self.length = self._next_round(position, beats)

    def close(self) -> None:
        """Close the bag."""
        self._bag.close()

    def _place(self, since_first: int, beats: int) -> int:
        return since_first if self._rate is None else round(beats * NS_PER_S / self._rate)

    def _next_round(self, position: int, beats: int) -> int:
        if self._rate is not None:
            return round(max(beats, 1) * NS_PER_S / self._rate)
        return position + (round(position / (beats - 1)) if beats > 1 else NS_PER_S)

    def _deserialize(self, entry: Entry) -> Any:  # noqa: ANN401 - any type
        try:
            return deserialize(entry.data, self._types[entry.topic])
        except InputError as error:
            self._warn(f'message on {entry.topic} must be a whole {entry.type}: {error}')
            return None


def sibling(name: str, other: str) -> str:
    """Return the name of another topic in the same namespace."""
    return name.rpartition('/')[0] + '/' + other if '/' in name else other


def info_name(base_name: str) -> str:
    """Return the name of the camera info that belongs to images, given their base name."""
    return sibling(base_name, CAMERA_INFO)


def _select(bag: Bag, names: Sequence[str]) -> list[Topic]:
    """Return some topics of a bag, or all images and their camera infos.

    Raises:
        InputError: A topic is missing, or there are no images.
    """
    if names:
        return [bag.select_topic(name) for name in dict.fromkeys(names)]
    images = [topic for topic in bag.topics if topic.is_image and topic.encoding == CDR]
    if not images:
        raise InputError(
            f'bag {bag.path} must hold a topic of images, got only: {bag.list_topics()}'
        )
    infos = {info_name(topic.name.removesuffix(COMPRESSED)) for topic in images}
    return images + [
        topic for topic in bag.topics if topic.type == CAMERA_INFO_TYPE and topic.name in infos
    ]


def _find_type(topic: Topic) -> type[Any]:
    """Return the class of the messages of a topic.

    Raises:
        InputError: It is not installed, or none of ROS 2.
    """
    if topic.encoding != CDR:
        raise InputError(f'messages on {topic.name} must be of ROS 2, got {topic.encoding!r}')
    package, _, name = topic.type.partition('/msg/')
    try:
        found: type[Any] = getattr(import_module(f'{package}.msg'), name)
    except (ImportError, AttributeError, TypeError):  # the last, where no package is named
        raise InputError(
            f'type of {topic.name} must be installed to be played, got {topic.type!r}'
        ) from None
    return found
