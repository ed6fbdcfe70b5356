"""What the builder of messages needs from a client library: rclpy's or that of rosbags.

Each factory imports its library when it makes its first message, so that bags can be written
without ROS and the node runs without rosbags.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from yolact_ros.messages.types import ros2_types

Message = Any  # a message of any client library: only its attributes count


class Factory(Protocol):
    """Makes messages of one client library. A kind is the full name of a type."""

    def knows(self, kind: str) -> bool:
        """Return whether messages of a type can be made.

        Args:
            kind: Full name of the type, such as ``std_msgs/msg/Header``.
        """

    def type(self, kind: str) -> Callable[..., Message]:
        """Return what makes messages of a type.

        It takes values of fields by name; fields that are left out are zero or empty.

        Args:
            kind: Full name of the type.
        """

    def fill(self, message: Message, field: str, values: npt.NDArray[Any]) -> None:
        """Copy numbers into an empty field of a message.

        Args:
            message: Message that this factory has made.
            field: Name of a field that is a sequence of numbers.
            values: Numbers of that type, or, for bytes, pixels of any type.
        """


class RosFactory:
    """Makes messages for rclpy."""

    def knows(self, kind: str) -> bool:
        """Return whether the package of a type is installed."""
        return find_spec(kind.partition('/')[0]) is not None

    def type(self, kind: str) -> Any:  # noqa: ANN401 - a class without types
        """Return the class of the messages of a type."""
        return _ros_type(kind)

    def fill(self, message: Message, field: str, values: npt.NDArray[Any]) -> None:
        """Copy numbers into the array that is there: one that is set would be copied once more."""
        getattr(message, field).frombytes(np.ascontiguousarray(values).view(np.uint8).data)


class BagFactory:
    """Makes messages for rosbags."""

    def knows(self, kind: str) -> bool:
        """Return whether a type is one of ROS 2 or of this package."""
        return kind in ros2_types().types

    def type(self, kind: str) -> Callable[..., Message]:
        """Return what makes messages of a type; for rosbags no field may be missing."""
        return partial(self._make, kind)

    def fill(self, message: Message, field: str, values: npt.NDArray[Any]) -> None:
        """Set a field to numbers in a flat array."""
        kind = getattr(message, field).dtype
        setattr(message, field, np.ascontiguousarray(values).view(kind).ravel())

    def _make(self, kind: str, **fields: Any) -> Message:  # noqa: ANN401
        types = ros2_types()
        _, definitions = types.fielddefs[kind]
        for name, definition in definitions:
            if name not in fields:
                fields[name] = self._default(definition)
        return types.types[kind](**fields)

    def _default(self, definition: Any) -> Any:  # noqa: ANN401 - nested tuples of rosbags
        """Return zero or empty as the value of a field."""
        form, kind = definition
        if form.name == 'NAME':
            return self._make(kind)
        if form.name == 'BASE':
            return '' if kind[0] == 'string' else np.zeros((), _dtype(kind[0])).item()
        item, length = kind
        count = length if form.name == 'ARRAY' else 0
        is_number = item[0].name == 'BASE' and item[1][0] != 'string'
        if is_number:
            return np.zeros(count, _dtype(item[1][0]))
        return [self._default(item) for _ in range(count)]


@cache
def _ros_type(kind: str) -> Any:  # noqa: ANN401 - a class without types
    package, _, name = kind.rpartition('/')
    return getattr(importlib.import_module(package.replace('/', '.')), name)


def _dtype(name: str) -> np.dtype[Any]:
    """Return the type of numpy for a number in a definition of a message."""
    return np.dtype('uint8' if name in ('byte', 'char') else name)
