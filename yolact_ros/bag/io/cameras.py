"""Which topics of images are those of cameras, each once."""

from __future__ import annotations

import re
from collections.abc import Mapping

from yolact_ros.bag.io.storage import Entry, Topic
from yolact_ros.messages.factory import Message
from yolact_ros.messages.outputs import OUTPUTS, TARGET_OUTPUTS
from yolact_ros.messages.types import COMPRESSED_IMAGE, IMAGE_TYPES

DEPTH_ENCODINGS = ('16UC1', '32FC1')
COMPRESSED_DEPTH = 'compressedDepth'
COMPRESSED, UNDECODED = '/compressed', '/zstd'
TRANSPORTS = ('', COMPRESSED, UNDECODED)  # of one camera
DISTANCE = re.compile('depth|(?<![a-z])(disparity|distance|range)(?![a-z])')
OWN_IMAGES = tuple(
    f'/{output.topic}' for output in (*OUTPUTS, *TARGET_OUTPUTS) if output.type in IMAGE_TYPES
)


def is_depth(message: Message, entry: Entry) -> bool:
    """Return whether an image is one of distances, as its encoding or its topic says.

    Args:
        message: Message of an image.
        entry: The message as recorded.
    """
    said: str = message.format if entry.type == COMPRESSED_IMAGE else message.encoding
    is_named_so = said.startswith('mono16') and DISTANCE.search(entry.topic.lower()) is not None
    return said.startswith(DEPTH_ENCODINGS) or COMPRESSED_DEPTH in said or is_named_so


def find_double(topic: Topic, topics: Mapping[str, Topic]) -> str:
    """Return why a topic of images shows nothing that a camera on another topic does not show.

    Args:
        topic: Topic of images.
        topics: All topics of the bag by name.

    Returns:
        A few words for people; empty if there is no such reason.
    """
    if topic.name.endswith(OWN_IMAGES):
        return 'drawn by yolact'
    base = next(
        topic.name.removesuffix(one) for one in reversed(TRANSPORTS) if topic.name.endswith(one)
    )
    family = [topics[base + one] for one in TRANSPORTS if base + one in topics]
    best = max((one for one in family if one.is_image), key=_rank)
    return '' if best.name == topic.name else f'same as {best.name}'


def _rank(topic: Topic) -> tuple[bool, int, bool]:
    """Return how well a topic shows its camera: what is decoded here, and then the most images."""
    return not topic.name.endswith(UNDECODED), topic.count, not topic.name.endswith(COMPRESSED)
