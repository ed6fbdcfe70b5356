"""Where the camera is, from the transforms of ``tf2_ros`` where that is installed.

It comes with ROS distributions only: tests put a stand-in with the same three names in its place.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.time import Time

from yolact_core.errors import InputError
from yolact_core.lifting.orientations import quaternions_to_matrices
from yolact_ros.messages.space import Transform

TF = 'tf2_ros'
CAMERA_FRAME = "objects are given in the camera's frame"
MISSING = f'{TF} must be installed for depth.target_frame (apt install ros-$ROS_DISTRO-tf2-ros)'


class Transforms:
    """Listens to transforms while they are needed.

    Args:
        node: Node that subscribes.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._tf: Any = None
        self._buffer: Any = None
        self._listener: Any = None
        self._has_warned = False

    def switch(self, *, is_on: bool) -> None:
        """Listen or not; in the thread of the executor."""
        if is_on and self._listener is None:
            self._begin()
        elif not is_on and self._listener is not None:
            self._listener.unregister()
            self._listener = self._buffer = None

    def find(self, target: str, source: str, stamp: int) -> Transform:
        """Return where a camera is; waits for nothing.

        Args:
            target: Name of the level frame.
            source: Name of the camera's frame.
            stamp: Stamp of the image, nanoseconds.

        Raises:
            InputError: That is not known at this time.
        """
        buffer = self._buffer
        if buffer is None:
            raise InputError(f'{MISSING}: {CAMERA_FRAME}')
        try:
            found = buffer.lookup_transform(target, source, Time(nanoseconds=stamp))
        except self._tf.TransformException as error:
            raise InputError(
                f'the transform from {source!r} to {target!r} must be known at the stamp of the '
                f'image: {CAMERA_FRAME}: {" ".join(str(error).split())}'
            ) from None
        return to_transform(target, found.transform)

    def _begin(self) -> None:
        if find_spec(TF) is None:
            if not self._has_warned:
                self._node.get_logger().warning(f'{MISSING}: {CAMERA_FRAME}')
            self._has_warned = True
            return
        self._tf = importlib.import_module(TF)
        self._buffer = self._tf.Buffer()
        self._listener = self._tf.TransformListener(self._buffer, self._node)


def to_transform(frame_id: str, message: Any) -> Transform:  # noqa: ANN401 - a message
    """Return a ``geometry_msgs/msg/Transform``.

    Args:
        frame_id: Name of the frame that it leads to.
        message: The message.
    """
    turn = np.array([[getattr(message.rotation, part) for part in 'xyzw']])
    rotation = quaternions_to_matrices(turn)[0]
    shift = message.translation
    return Transform(frame_id, rotation, np.array([shift.x, shift.y, shift.z]))
