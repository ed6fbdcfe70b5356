"""The subscription of one camera's images, and what is known about their way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.utilities import get_rmw_implementation_identifier
from sensor_msgs.msg import CompressedImage, Image

from yolact_core.media.ranges import ImageRange
from yolact_ros.deserialization import deserialize
from yolact_ros.health.arrivals import Arrival, Arrivals
from yolact_ros.health.brightness import Brightness
from yolact_ros.health.freshness import NANOSECONDS
from yolact_ros.health.hints import TRANSPORTS
from yolact_ros.health.transport import Observation, find_profile_variable
from yolact_ros.images.decoding import brightest, compressed_to_rgb, image_to_rgb
from yolact_ros.images.serialized import ImageView, read_image
from yolact_ros.node.mailbox import Frame
from yolact_ros.node.qos import SubscriptionEventCallbacks, newest_image, policy_name

UNKNOWN_NUMBER = 2**64 - 1  # of a message, where the middleware does not number them

ImageMessage: TypeAlias = Image | ImageView | CompressedImage


class ImageSubscription:
    """The images of one camera.

    Args:
        node: Node that subscribes.
        camera: Name of the camera; empty for the only one.
        is_compressed: Whether the images come as ``CompressedImage``.
    """

    def __init__(self, node: Node, camera: str, *, is_compressed: bool) -> None:
        self._node = node
        self._camera = camera
        self._is_compressed = is_compressed
        self._type: type[Image | CompressedImage] = CompressedImage if is_compressed else Image
        self._arrivals = Arrivals(time.monotonic())
        self._profile_variable = find_profile_variable()
        self._incompatible_policy = ''
        self._latest: Any = None  # message that was read last
        self._subscription: Subscription[Any] | None = None
        self._name = topic = f'{camera}/image' if camera else 'image'
        resolved = node.resolve_topic_name(topic)
        is_remapped = resolved != node.resolve_topic_name(topic, only_expand=True)
        self._remapped_to = resolved if is_remapped else ''
        if is_compressed:  # the name of the base is remapped, then that of the transport
            topic = resolved + '/compressed'
        self._relative_topic = topic
        self.topic: str = node.resolve_topic_name(topic)

    def start(self, put: Callable[[Frame], None]) -> None:
        """Receive images from now on.

        Args:
            put: Function that is called with each image and returns at once.
        """
        self._put = put
        self._arrivals = Arrivals(time.monotonic())
        self._subscription = self._node.create_subscription(
            self._type,
            self._relative_topic,
            self.on_image,
            newest_image(),
            raw=True,  # reading takes long, and most may be replaced before their turn
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self.on_incompatible_qos),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def stop(self) -> None:
        """Stop receiving images."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def on_image(self, data: bytes, info: Mapping[str, Any]) -> None:
        """Let an image wait for the worker."""
        now = time.monotonic()
        self._arrivals.add(_to_arrival(now, info))
        clock = self._node.get_clock().now().nanoseconds
        self._put(Frame(self._camera, data, now, clock))

    def on_incompatible_qos(self, event: Any) -> None:  # noqa: ANN401
        """Remember why a publisher cannot be heard."""
        self._incompatible_policy = policy_name(event)
        self._node.get_logger().warning(
            f'a publisher on {self.topic} and this node have incompatible QoS, '
            f'policy {self._incompatible_policy}: no images come from it'
        )

    def deserialize(self, data: bytes) -> ImageMessage:
        """Return the message of a frame.

        Raises:
            InputError: It is cut off, or none of the type.
        """
        return deserialize(data, self._type) if self._is_compressed else read_image(data)

    def decode(self, message: ImageMessage, image_range: ImageRange) -> npt.NDArray[np.uint8]:
        """Return the image in a message, shape (H, W, 3).

        Args:
            message: The message.
            image_range: Range of 16-bit values that becomes that of bytes.

        Raises:
            InputError: It is malformed or of an encoding that is not supported.
        """
        to_rgb = compressed_to_rgb if self._is_compressed else image_to_rgb
        rgb = to_rgb(message, image_range)
        self._latest = message
        return rgb

    def measure_brightness(self) -> Brightness | None:
        """Return which values the latest image has; None for one of 8 bits, or without any."""
        message = self._latest
        peak = brightest(message) if message is not None else None
        if peak is None:
            return None
        encoding = message.format if self._is_compressed else message.encoding
        return Brightness(self.topic, encoding.partition(';')[0], peak)

    def observe(self, timeout: float) -> Observation:
        """Return what is known about the way of its images.

        Args:
            timeout: Seconds of silence that are tolerated.
        """
        now = time.monotonic()
        wanted = f'sensor_msgs/msg/{self._type.__name__}'
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        is_silent = self._arrivals.silence(now) > timeout
        return Observation(
            topic=self.topic,
            type=wanted,
            publishers=tuple(publisher.topic_type for publisher in publishers),
            name=self._name,
            remapped_to=self._remapped_to,
            image_topics=self._image_topics() if is_silent and not publishers else {},
            incompatible_policy=self._incompatible_policy,
            received=self._arrivals.received(now),
            lost=self._arrivals.lost(now),
            rate=self._arrivals.rate(now),
            silence=self._arrivals.silence(now),
            timeout=timeout,
            has_any=self._arrivals.has_any,
            middleware=get_rmw_implementation_identifier(),
            profile_variable=self._profile_variable,
            environment=os.environ,
        )

    def _image_topics(self) -> dict[str, list[str]]:
        """Return topics of raw and of compressed images that no camera of the node hears yet."""
        own = self._node.get_fully_qualified_name()
        heard = {one.topic_name for one in self._node.subscriptions}  # by other cameras
        topics: dict[str, list[str]] = {kind: [] for kind in TRANSPORTS}
        for topic, kinds in self._node.get_topic_names_and_types():
            if topic.startswith(f'{own}/') or topic in heard:
                continue
            if self._node.count_publishers(topic):
                for kind in TRANSPORTS.keys() & kinds:
                    topics[kind].append(topic)
        return topics


def _to_arrival(now: float, info: Mapping[str, Any]) -> Arrival:
    """Return what the middleware says about a message."""
    number = info.get('publication_sequence_number')
    gid = info.get('publisher_gid')
    return Arrival(
        time=now,
        sent=info['source_timestamp'] * NANOSECONDS or None,
        number=None if number == UNKNOWN_NUMBER else number,
        publisher=gid['data'] if gid else None,
    )
