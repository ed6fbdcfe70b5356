"""The depth of one camera: received while somebody needs it, and paired by stamps."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from yolact_core.errors import InputError
from yolact_ros.images.serialized import read_stamp
from yolact_ros.node.depth.camera_info import CameraInfoInput
from yolact_ros.node.depth.on_demand import OnDemandSubscription
from yolact_ros.node.depth.ring import DepthRing

QUEUE = 5  # depth images that may come at once


class DepthInput:
    """Depth and calibration of one camera.

    Args:
        node: Node that subscribes.
        camera: Name of the camera; empty for the only one.
        is_compressed: Whether depth comes with the transport ``compressedDepth``.

    Attributes:
        camera_info: Calibration beside the images.
        consumers: Functions that are called, in the thread of the executor, with the stamp in
            nanoseconds and the serialized message of each depth image, and return at once.
    """

    def __init__(self, node: Node, camera: str, *, is_compressed: bool) -> None:
        name = f'{camera}/depth' if camera else 'depth'
        if is_compressed:  # the name of the base is remapped, then that of the transport
            name = node.resolve_topic_name(name) + '/compressedDepth'
        kind = CompressedImage if is_compressed else Image
        self.camera_info = CameraInfoInput(node, camera)
        self.consumers: list[Callable[[int, bytes], None]] = []
        self._subscription = OnDemandSubscription(node, name, kind, QUEUE, self._on_depth)
        self._ring = DepthRing()

    @property
    def topic(self) -> str:
        """Topic that depth comes on."""
        return self._subscription.topic

    def switch(self, *, has_depth: bool, has_camera_info: bool) -> None:
        """Subscribe what somebody needs, and nothing else; in the thread of the executor.

        Args:
            has_depth: Whether depth is needed.
            has_camera_info: Whether the calibration is needed.
        """
        if not has_depth:
            self._ring.clear()
        self._subscription.switch(is_on=has_depth)
        self.camera_info.switch(is_on=has_camera_info)

    def find(self, stamp: int, max_difference: float = 0.0) -> bytes | None:
        """Return the serialized depth image that belongs to an image; None without any.

        Args:
            stamp: Stamp of the image, nanoseconds.
            max_difference: Largest difference of the stamps, seconds; 0: half the period of depth.
        """
        return self._ring.find(stamp, max_difference)

    def _on_depth(self, data: bytes) -> None:
        try:
            stamp = read_stamp(data)
        except InputError:  # it is none that anybody could read
            return
        self._ring.add(stamp, data)
        for consume in self.consumers:
            consume(stamp, data)
