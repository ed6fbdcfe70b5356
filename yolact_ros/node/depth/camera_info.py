"""The calibration that comes beside the images of a camera."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo

from yolact_core.errors import InputError
from yolact_core.lifting import Rays
from yolact_ros.depth.registration import check_calibration, make_rays
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
        self._rays: tuple[tuple[Any, ...], Rays] | None = None  # and what they were made of

    @property
    def topic(self) -> str:
        """Topic that it comes on."""
        return self._subscription.topic

    def switch(self, *, is_on: bool) -> None:
        """Subscribe it or not; in the thread of the executor."""
        self._subscription.switch(is_on=is_on)

    def adapt(self) -> None:
        """Get also what was published only once, before; in the thread of the executor."""
        self._subscription.adapt()

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

    def find(self, frame_id: str, size: tuple[int, int]) -> CameraInfo:
        """Return the calibration of an image, as it came.

        Args:
            frame_id: Frame of the image.
            size: Height and width of the image in pixels.

        Raises:
            InputError: There is no calibration yet, or none that fits the image.
        """
        info = self.message()
        if info is None:
            raise InputError(f'calibration must come on {self.topic}, got none yet')
        check_calibration(info, frame_id, size, self.topic)
        return info

    def rays(self, frame_id: str, size: tuple[int, int], *, is_rectified: bool) -> Rays:
        """Return the rays of an image's pixels.

        Args:
            frame_id: Frame of the image.
            size: Height and width of the image in pixels.
            is_rectified: Whether distortion is taken out of the image already.

        Raises:
            InputError: There is no calibration yet, or none that fits the image.
        """
        info = self.find(frame_id, size)
        key = (size, is_rectified, *_identity(info))
        if self._rays is None or self._rays[0] != key:
            rays = make_rays(info, size, self.topic, is_rectified=is_rectified)
            self._rays = key, rays
        return self._rays[1]

    def _put(self, data: bytes) -> None:
        self._newest = data


def _identity(info: CameraInfo) -> tuple[Any, ...]:
    """Return all that rays depend on."""
    roi = info.roi
    return (
        (info.height, info.width, info.distortion_model),
        (tuple(info.d), tuple(info.k), tuple(info.p)),
        (info.binning_x, info.binning_y),
        (roi.x_offset, roi.y_offset, roi.height, roi.width),
    )
