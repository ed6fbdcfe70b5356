"""The calibration that comes beside the images of a camera."""

from __future__ import annotations

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo

from yolact_ros.deserialization import deserialize
from yolact_ros.node.depth.on_demand import OnDemandSubscription


class CameraInfoInput:
    """The newest camera info, which is read only where somebody asks for it.

    Args:
        node: Node that subscribes.
        camera: Name of the camera; empty for the only one.
    """

    def __init__(self, node: Node, camera: str) -> None:
        name = f'{camera}/camera_info' if camera else 'camera_info'
        self._subscription = OnDemandSubscription(node, name, CameraInfo, 1, self._put)
        self._newest: bytes | None = None
        self._read: tuple[bytes, CameraInfo] | None = None

    @property
    def topic(self) -> str:
        """Topic that it comes on."""
        return self._subscription.topic

    def switch(self, *, is_on: bool) -> None:
        """Subscribe it or not; in the thread of the executor."""
        self._subscription.switch(is_on=is_on)

    def message(self) -> CameraInfo | None:
        """Return the newest camera info; None while there is none.

        Raises:
            InputError: It is cut off.
        """
        newest, read = self._newest, self._read
        if newest is None:
            return None
        if read is None or read[0] is not newest:
            read = self._read = newest, deserialize(newest, CameraInfo)
        return read[1]

    def _put(self, data: bytes) -> None:
        self._newest = data
