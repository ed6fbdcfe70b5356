"""Which topics of images are those of cameras, each once."""

from __future__ import annotations

from collections.abc import Mapping

from yolact_ros.bag.io.storage import Topic
from yolact_ros.messages.factory import Message
from yolact_ros.messages.outputs import OUTPUTS
from yolact_ros.messages.types import COMPRESSED_IMAGE, IMAGE_TYPES

DEPTH_ENCODINGS = ('16UC1', '32FC1')
COMPRESSED_DEPTH = 'compressedDepth'
COMPRESSED = '/compressed'
OWN_IMAGES = tuple(f'/{output.topic}' for output in OUTPUTS if output.type in IMAGE_TYPES)


def is_depth(message: Message, topic: Topic) -> bool:
    """Return whether an image is one of distances, as its encoding or its topic says.

    Args:
        message: Message of an image.
        topic: Topic of the message.
    """
    said: str = message.format if topic.type == COMPRESSED_IMAGE else message.encoding
    is_named_depth = said.startswith('mono16') and 'depth' in topic.name.lower()
    return said.startswith(DEPTH_ENCODINGS) or COMPRESSED_DEPTH in said or is_named_depth


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
    base = topic.name.removesuffix(COMPRESSED)
    twin = topics.get(base if base != topic.name else base + COMPRESSED)
    if twin is None or not twin.is_image:
        return ''
    is_second = (twin.count, base != topic.name) > (topic.count, base == topic.name)
    return f'same as {twin.name}' if is_second else ''
