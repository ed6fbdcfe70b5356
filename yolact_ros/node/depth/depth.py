"""The depth of one camera: received while somebody needs it, and paired by stamps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from yolact_core.errors import InputError
from yolact_core.lifting import DepthImage, Objects
from yolact_ros.depth.registration import check_depth
from yolact_ros.depth.ring import DepthRing
from yolact_ros.deserialization import deserialize
from yolact_ros.health.depth import DepthReport, DepthTally
from yolact_ros.images.depth import decompress_depth, read_depth
from yolact_ros.images.serialized import read_image, read_stamp
from yolact_ros.messages.space import Space, Transform
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.node.depth.camera_info import CameraInfoInput
from yolact_ros.node.depth.on_demand import OnDemandSubscription
from yolact_ros.node.depth.settings import DepthSettings
from yolact_ros.node.depth.transforms import Transforms

QUEUE = 5  # depth images that may come at once

Header = Any  # ``std_msgs/msg/Header``


class DepthInput:
    """Depth and calibration of one camera.

    Args:
        node: Node that subscribes.
        camera: Name of the camera; empty for the only one.
        image_topic: Topic of the images that they belong to.
        transforms: Transforms of the robot.
        is_compressed: Whether depth comes with the transport ``compressedDepth``.

    Attributes:
        camera_info: Calibration beside the images.
        consumers: Functions that are called, in the thread of the executor, with the stamp in
            nanoseconds and the serialized message of each depth image, and return at once.
    """

    def __init__(
        self,
        node: Node,
        camera: str,
        image_topic: str,
        transforms: Transforms,
        *,
        is_compressed: bool,
    ) -> None:
        name = f'{camera}/depth' if camera else 'depth'
        if is_compressed:  # the name of the base is remapped, then that of the transport
            name = node.resolve_topic_name(name) + '/compressedDepth'
        kind = CompressedImage if is_compressed else Image
        self.camera_info = CameraInfoInput(node, camera)
        self.consumers: list[Callable[[int, bytes], None]] = []
        self._subscription = OnDemandSubscription(node, name, kind, QUEUE, self._on_depth)
        self._node = node
        self._image_topic = image_topic
        self._transforms = transforms
        self._is_compressed = is_compressed
        self._ring: DepthRing[bytes] = DepthRing()
        self._tally = DepthTally()
        self._missed: tuple[int, float] | None = None  # stamp, and when it was looked for

    @property
    def topic(self) -> str:
        """Topic that depth comes on."""
        return self._subscription.topic

    @property
    def has_publisher(self) -> bool:
        """Whether somebody publishes depth."""
        return self._node.count_publishers(self.topic) > 0

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

    def find(self, header: Header, size: tuple[int, int], settings: DepthSettings) -> Space | None:
        """Return the depth that belongs to an image; None, and the reason is noted, without any.

        Args:
            header: Header of the image.
            size: Height and width of the image in pixels.
            settings: Current settings of depth.
        """
        if not self._subscription.is_on:
            return None
        self._tally.images += 1
        try:
            is_rectified = self.is_rectified(settings)
            rays = self.camera_info.rays(header.frame_id, size, is_rectified=is_rectified)
            depth = self._find_depth(header, size, settings.max_difference)
        except InputError as error:
            self._tally.without += 1
            self._tally.complaint = str(error)
            return None
        return Space(depth, rays, self._find_transform(header, settings.target_frame))

    def note(self, instances: int, objects: Objects) -> None:
        """Remember how many instances of an image have depth, and how far away they are.

        Args:
            instances: Number of instances in the image.
            objects: Those of them that have enough depth.
        """
        self._tally.instances += instances
        self._tally.objects += len(objects)
        self._tally.depths.extend(objects.depths.tolist())

    def find_camera_info(self, header: Header, size: tuple[int, int]) -> CameraInfo | None:
        """Return the calibration of an image; None, and the reason is noted, without any.

        Args:
            header: Header of the image.
            size: Height and width of the image in pixels.
        """
        try:
            return self.camera_info.find(header.frame_id, size)
        except InputError as error:
            self._tally.calibration_complaint = str(error)
            return None

    def read(self, data: bytes) -> tuple[Header, str, DepthImage]:
        """Return the header, the encoding and the depth of a serialized message.

        Raises:
            InputError: It is malformed, or no depth.
        """
        try:
            if self._is_compressed:
                message = deserialize(data, CompressedImage)
                encoding = message.format.partition(';')[0].strip()
                return message.header, encoding, decompress_depth(message)
            message = read_image(data)
            return message.header, message.encoding, read_depth(message)
        except InputError as error:
            raise InputError(f'depth on {self.topic} cannot be read: {error}') from None

    def is_rectified(self, settings: DepthSettings) -> bool:
        """Return whether image and depth are rectified."""
        return settings.is_rectified(self._image_topic)

    def report(self, settings: DepthSettings) -> DepthReport:
        """Return how it has been since the last report."""
        tally, self._tally = self._tally, DepthTally()
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        return DepthReport(
            topic=self.topic,
            type=f'sensor_msgs/msg/{self._subscription.kind.__name__}',
            calibration_topic=self.camera_info.topic,
            is_needed=self._subscription.is_on,
            publishers=tuple(publisher.topic_type for publisher in publishers),
            period=self._ring.period,
            is_rectified=self.is_rectified(settings),
            rectified=settings.rectified,
            tally=tally,
        )

    def _find_depth(
        self, header: Header, size: tuple[int, int], max_difference: float
    ) -> DepthImage:
        """Return the depth image that belongs to an image.

        Raises:
            InputError: There is none that fits.
        """
        stamp = stamp_of(header)
        self._missed = stamp, time.monotonic()
        data = self._ring.find(stamp, max_difference)
        self._missed = None
        found, _, depth = self.read(data)
        check_depth(depth, found, header.frame_id, size, self.topic)
        return depth

    def _find_transform(self, header: Header, target_frame: str) -> Transform | None:
        if not target_frame or target_frame == header.frame_id:
            return None
        try:
            return self._transforms.find(target_frame, header.frame_id, stamp_of(header))
        except InputError as error:
            self._tally.transform_complaint = str(error)
            return None

    def _on_depth(self, data: bytes) -> None:
        try:
            stamp = read_stamp(data)
        except InputError:  # it is none that anybody could read
            return
        self._ring.add(stamp, data)
        if (missed := self._missed) is not None and missed[0] == stamp:
            self._tally.late += 1
            self._tally.delay = time.monotonic() - missed[1]
        for consume in self.consumers:
            consume(stamp, data)
