"""What can be played: topics, what was on them when, and bags as such a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from sensor_msgs.msg import CompressedImage, Image

from yolact_core.errors import InputError
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Loss, Topic, require_rosbags
from yolact_ros.bag.io.cameras import COMPRESSED, COMPRESSED_DEPTH
from yolact_ros.bag.io.storage import CDR, ReportLoss
from yolact_ros.deserialization import deserialize
from yolact_ros.messages.stamps import LATEST, TOO_LATE
from yolact_ros.messages.topic_names import make_legal

LONGEST_GAP = 5.0  # seconds that are played
CAMERA_INFO, CAMERA_INFO_TYPE = 'camera_info', 'sensor_msgs/msg/CameraInfo'


@dataclass(frozen=True)
class RecordedTopic:
    """A topic of a recording.

    Args:
        name: Name as recorded, in letters that are legal; ``image`` where the source is no bag.
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
        return self.name.removesuffix(COMPRESSED).removesuffix(f'/{COMPRESSED_DEPTH}')

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
        is_behind_gap: Whether some of the time before it was left out.
    """

    topic: str
    position: int
    time: int
    message: Any
    is_behind_gap: bool = False


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
        on_loss: Function that is given what cannot be read; the rest is played.
        say: Function that is given one sentence about what is played in another way.
        longest_gap: Seconds without messages that are played; more of them are left out.

    Raises:
        InputError: It is no bag of ROS 2, or lacks the topics.
    """

    def __init__(
        self,
        path: Path,
        topics: Sequence[str],
        rate: float | None,
        on_loss: ReportLoss,
        say: Callable[[str], None],
        longest_gap: float = LONGEST_GAP,
    ) -> None:
        require_rosbags('play a bag')
        self._rate = rate
        self._longest_gap = round(longest_gap * NS_PER_S)
        self._on_loss = on_loss
        self._say = say
        self._bag = Bag(path, on_loss, is_ros1_welcome=False)
        try:
            chosen = _select(self._bag, topics)
            self._names = make_legal(topic.name for topic in chosen)
            self.topics = tuple(
                RecordedTopic(self._names[topic.name], _find_type(topic), topic.is_latched)
                for topic in chosen
            )
        except InputError:
            self.close()
            raise
        self._types = {
            topic.name: legal.type for topic, legal in zip(chosen, self.topics, strict=True)
        }
        images = [topic for topic in chosen if topic.is_image]
        self._beat = max(images or chosen[:1], key=lambda topic: topic.count).name
        self.length = 0
        self._has_told_gap = False
        for name, legal in self._names.items():
            if name != legal:
                say(f'{name} is published as {legal}, a name that ROS 2 accepts')
        if self._bag.end > LATEST:
            say(TOO_LATE)

    def entries(self) -> Iterator[RecordedMessage]:
        """Iterate over all messages.

        Raises:
            InputError: There is not one that can be read.
        """
        before: int | None = None
        beats = position = 0
        for entry in self._bag.entries(list(self._types)):
            message = self._deserialize(entry)
            if message is None:
                continue
            gap = 0 if before is None else entry.time - before
            shortened = min(gap, self._longest_gap) if self._rate is None else gap
            if shortened < gap:
                self._tell_gap(gap)
            before = entry.time
            position = self._place(position + shortened, beats)
            beats += entry.topic == self._beat
            name = self._names[entry.topic]
            yield RecordedMessage(name, position, entry.time, message, shortened < gap)
        if before is None:
            raise InputError(
                f'bag {self._bag.path} must hold at least one message that can be read'
            )
        self.length = self._next_round(position, beats)

    def _tell_gap(self, gap: int) -> None:
        """Tell the first gap that is shortened."""
        if not self._has_told_gap:
            self._has_told_gap = True
            self._say(
                f'gaps are shortened to {self._longest_gap / NS_PER_S:g} s (--longest-gap), '
                f'the first one lasts {gap / NS_PER_S:.1f} s'
            )

    def close(self) -> None:
        """Close the bag."""
        self._bag.close()

    def _place(self, recorded: int, beats: int) -> int:
        return recorded if self._rate is None else round(beats * NS_PER_S / self._rate)

    def _next_round(self, position: int, beats: int) -> int:
        if self._rate is not None:
            return round(max(beats, 1) * NS_PER_S / self._rate)
        return position + (round(position / (beats - 1)) if beats > 1 else NS_PER_S)

    def _deserialize(self, entry: Entry) -> Any:  # noqa: ANN401 - any type
        try:
            return deserialize(entry.data, self._types[entry.topic])
        except InputError as error:
            reason = f'message on {entry.topic} must be a whole {entry.type}: {error}'
            size, time = len(entry.data), entry.time
            self._on_loss(Loss(reason, 1, size, time, time, str(self._bag.path)))
            return None


def sibling(name: str, other: str) -> str:
    """Return the name of another topic in the same namespace."""
    return name.rpartition('/')[0] + '/' + other if '/' in name else other


def info_name(base_name: str) -> str:
    """Return the name of the camera info that belongs to images, given their base name."""
    return sibling(base_name, CAMERA_INFO)


def _select(bag: Bag, names: Sequence[str]) -> list[Topic]:
    """Return some topics of a bag, or those of all cameras and their camera infos.

    Raises:
        InputError: A topic is missing, or there are no images.
    """
    if names:
        return [bag.select_topic(name) for name in dict.fromkeys(names)]
    images = bag.select_images([])
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
