"""Serialized messages of ROS 2, altered field by field."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from random import Random
from typing import Any

import numpy as np

from fuzz.mutation import NUMBERS, mutate_bytes
from yolact_ros.messages.types import ros2_types

TEXTS = ('', 'rgb8', 'bgr8', 'mono8', 'mono16', '16UC1', '32FC1', 'bayer_rggb8', 'yuv422', 'nv12')


def mutate_message(data: bytes, kind: str, random: Random) -> bytes:
    """Return a message in which some fields are others; what is no message changes as bytes do.

    Args:
        data: Serialized message.
        kind: Type of the message.
        random: Source of all randomness.
    """
    if random.random() < 0.3:
        return mutate_bytes(data, random)
    try:
        message = ros2_types().deserialize_cdr(data, kind)
        for _ in range(random.choice((1, 1, 2, 3))):
            _change_field(message, random)
        return bytes(ros2_types().serialize_cdr(message, kind))
    except Exception:  # of whatever the bytes or the new values lead to
        return mutate_bytes(data, random)


def _change_field(message: Any, random: Random) -> None:  # noqa: ANN401 - of rosbags
    owner, name = random.choice(_fields(message))
    value = getattr(owner, name)
    if isinstance(value, str):
        value = random.choice((*TEXTS, mutate_bytes(value.encode(), random).decode('latin-1')))
    elif isinstance(value, np.ndarray):
        value = np.frombuffer(mutate_bytes(value.tobytes(), random), np.uint8)
    elif isinstance(value, int):
        value = random.choice((value + 1, value - 1, 2 * value, *NUMBERS)) % 2**32
    object.__setattr__(owner, name, value)


def _fields(message: Any) -> list[tuple[Any, str]]:  # noqa: ANN401 - of rosbags
    found = []
    for field in fields(message):
        value = getattr(message, field.name)
        if is_dataclass(value):
            found += _fields(value)
        elif not field.name.startswith('__'):
            found.append((message, field.name))
    return found
