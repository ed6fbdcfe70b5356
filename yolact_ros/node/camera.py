"""One camera: its subscription, its outputs, and what is known about its images."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.serialization import deserialize_message
from rclpy.subscription import Subscription
from rclpy.utilities import get_rmw_implementation_identifier
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from yolact_ros.health.fast_dds import find_profile_variable
from yolact_ros.health.stamps import NANOSECONDS, Stamps
from yolact_ros.health.statistics import Arrival, Arrivals, Latencies
from yolact_ros.health.transport import Observation
from yolact_ros.images.conversions import compressed_to_rgb, image_to_rgb
from yolact_ros.images.serialized import ImageView, read_image
from yolact_ros.messages.outputs import Outputs
from yolact_ros.node.mailbox import Frame
from yolact_ros.node.qos import SubscriptionEventCallbacks, newest_image, policy_name
from yolact_ros.node.settings import Settings

UNKNOWN_NUMBER = 2**64 - 1  # what a middleware says that does not number its messages


class Camera:
    """One camera.

    Args:
        node: That subscribes and publishes.
        name: Of the camera; empty for the only one.
        settings: Say how its images come.
    """

    def __init__(self, node: Node, name: str, settings: Settings) -> None:
        self.name = name
        self.latencies = Latencies()
        self.stamps = Stamps()
        self.arrivals = Arrivals(time.monotonic())
        self.last_error = ''
        self.outputs = Outputs(node, name)
        self._node = node
        self._profile_variable = find_profile_variable()
        self._incompatible_policy = ''
        self._subscription: Subscription[Any] | None = None
        topic = f'{name}/image' if name else 'image'
        self._is_compressed = settings['image_transport'] == 'compressed'
        if self._is_compressed:  # the name of the base is remapped, then that of the transport
            topic = node.resolve_topic_name(topic) + '/compressed'
        self.topic: str = node.resolve_topic_name(topic)
        self._relative_topic = topic

    @property
    def _type(self) -> type[Image | CompressedImage]:
        kind: type[Image | CompressedImage] = CompressedImage if self._is_compressed else Image
        return kind

    def subscribe(self, put: Callable[[Frame], None]) -> None:
        """Receive images from now on.

        Args:
            put: Takes each of them, and returns at once.
        """
        self._put = put
        self.arrivals = Arrivals(time.monotonic())
        self._subscription = self._node.create_subscription(
            self._type,
            self._relative_topic,
            self.on_image,
            newest_image(),
            raw=True,  # reading takes long, and most may be replaced before their turn
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self.on_incompatible_qos),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def unsubscribe(self) -> None:
        """Stop receiving images."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def destroy(self) -> None:
        """Take everything back."""
        self.unsubscribe()
        self.outputs.destroy()

    def on_image(self, data: bytes, info: Mapping[str, Any]) -> None:
        """Let an image wait for the worker."""
        now = time.monotonic()
        self.arrivals.add(_to_arrival(now, info))
        clock = self._node.get_clock().now().nanoseconds
        self._put(Frame(self.name, data, now, clock))

    def on_incompatible_qos(self, event: Any) -> None:  # noqa: ANN401
        """Remember why a publisher cannot be heard."""
        self._incompatible_policy = policy_name(event)
        self._node.get_logger().warning(
            f'a publisher on {self.topic} and this node have incompatible QoS, '
            f'policy {self._incompatible_policy}: no images come from it'
        )

    def deserialize(self, data: bytes) -> Image | ImageView | CompressedImage:
        """Return the message of a frame.

        Raises:
            InputError: It is cut off.
        """
        return deserialize_message(data, self._type) if self._is_compressed else read_image(data)

    def to_rgb(self, message: Image | ImageView | CompressedImage) -> npt.NDArray[np.uint8]:
        """Return the image in a message, shape (H, W, 3).

        Raises:
            InputError: It is malformed or of an encoding that is not supported.
        """
        return compressed_to_rgb(message) if self._is_compressed else image_to_rgb(message)

    def observe(self, timeout: float) -> Observation:
        """Return what is known about the way of its images.

        Args:
            timeout: Seconds of silence that are tolerated.
        """
        now = time.monotonic()
        wanted = f'sensor_msgs/msg/{self._type.__name__}'
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        is_silent = self.arrivals.silence(now) > timeout
        return Observation(
            topic=self.topic,
            type=wanted,
            publishers=tuple(publisher.topic_type for publisher in publishers),
            image_topics=self._image_topics(wanted) if is_silent and not publishers else (),
            incompatible_policy=self._incompatible_policy,
            received=self.arrivals.received(now),
            lost=self.arrivals.lost(now),
            rate=self.arrivals.rate(now),
            silence=self.arrivals.silence(now),
            timeout=timeout,
            has_any=self.arrivals.has_any,
            middleware=get_rmw_implementation_identifier(),
            profile_variable=self._profile_variable,
            environment=os.environ,
        )

    def _image_topics(self, wanted: str) -> tuple[str, ...]:
        """Return the topics of a type that others publish on."""
        own = self._node.get_fully_qualified_name()
        return tuple(
            topic
            for topic, types in self._node.get_topic_names_and_types()
            if wanted in types
            and not topic.startswith(f'{own}/')
            and self._node.count_publishers(topic)
        )


def stamp_of(header: Header) -> int:
    """Return the stamp in nanoseconds."""
    return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)


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
