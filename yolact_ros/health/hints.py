"""Words that make the node subscribe a topic: they can be pasted as they are."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

RAW, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
TRANSPORTS = {RAW: 'raw', COMPRESSED: 'compressed'}
SUFFIX = '/compressed'
MOST_NAMED = 3


def sort_by_likeness(topics: Sequence[str], wanted: str) -> list[str]:
    """Return topics in the order in which they may be meant: depth last, then by their letters."""
    return sorted(
        topics,
        key=lambda topic: (
            'depth' in topic.lower(),
            -SequenceMatcher(None, topic, wanted, autojunk=False).ratio(),
        ),
    )


def how_to_subscribe(topic: str, kind: str, name: str, now: str, node_kind: str) -> str:
    """Return the words for a command line, and for the launch file where it has arguments for it.

    Args:
        topic: Topic that is to be subscribed.
        kind: Type of its messages, raw or compressed images.
        name: Name that the node gives to its topic, such as ``front/image``.
        now: Topic to which that name is remapped now; empty: to none.
        node_kind: Type that the node subscribes now.
    """
    base = topic.removesuffix(SUFFIX) if kind == COMPRESSED else topic
    has_base = kind == RAW or base not in (topic, '')
    rule = f'{name}:={base}' if has_base else f'{name}{SUFFIX}:={topic}'
    transport = '' if kind == node_kind else f'image_transport:={TRANSPORTS[kind]} '
    words = f'--ros-args {f"-p {transport}" if transport else ""}-r {rule}'
    instead = f' instead of {name}:={now}' if now else ''
    launch = f' (yolact.launch.py: {transport}{rule})' if has_base and name == 'image' else ''
    return f'start it with {words}{instead}{launch}'
