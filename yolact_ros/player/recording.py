"""What can be played: topics, and what was on them when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from sensor_msgs.msg import CompressedImage, Image

NS_PER_S = 1_000_000_000
CAMERA_INFO = 'camera_info'
COMPRESSED = '/compressed'


@dataclass(frozen=True)
class Topic:
    """A topic of a recording.

    Args:
        name: As recorded; what is no bag has one topic, ``image``.
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
        return sibling(self.base_name, CAMERA_INFO)


@dataclass(frozen=True)
class Entry:
    """One message of a recording.

    Args:
        topic: The name of its topic.
        position: When to publish it, in ns after the first.
        time: When it was recorded, in ns since 1970.
        message: Of the type of the topic.
    """

    topic: str
    position: int
    time: int
    message: Any


class Recording(Protocol):
    """Something that can be played, as often as asked for."""

    @property
    def topics(self) -> tuple[Topic, ...]:
        """What there is to publish."""

    @property
    def length(self) -> int:
        """Position at which the next round begins, in ns, known at the end of a round."""

    def entries(self) -> Iterator[Entry]:
        """Iterate over all messages in the order of their positions.

        Raises:
            InputError: There is not one that can be read.
        """

    def close(self) -> None:
        """Let go of all files."""


def sibling(name: str, other: str) -> str:
    """Return the name of another topic in the same namespace."""
    return name.rpartition('/')[0] + '/' + other if '/' in name else other
