"""One camera: images come in, results go out, and it is noted how that goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from std_msgs.msg import Header

from yolact_ros.health import diagnostics
from yolact_ros.health.diagnostics import Status
from yolact_ros.health.freshness import Counters, Freshness, Stamps
from yolact_ros.health.latencies import Latencies
from yolact_ros.messages.messages import stamp_of
from yolact_ros.messages.outputs import Result
from yolact_ros.node.frame import Frame
from yolact_ros.node.publishers import Publishers
from yolact_ros.node.settings import Settings
from yolact_ros.node.subscription import ImageMessage, ImageSubscription


class Camera:
    """A camera of the node.

    Args:
        node: Node that subscribes and publishes.
        name: Name of the camera; empty for the only one.
        settings: Settings of the node when it is configured.
    """

    def __init__(self, node: Node, name: str, settings: Settings) -> None:
        self.name = name
        is_compressed = settings.image_transport == 'compressed'
        self._images = ImageSubscription(node, name, is_compressed=is_compressed)
        self._publishers = Publishers(node, name)
        self._latencies = Latencies()
        self._stamps = Stamps()
        self._last_error = ''
        self._reported = Freshness()

    @property
    def topic(self) -> str:
        """Full name of the topic that its images come from."""
        return self._images.topic

    def subscribe(self, put: Callable[[Frame], None]) -> None:
        """Receive images from now on.

        Args:
            put: Function that is called with each image and returns at once.
        """
        self._images.start(put)

    def unsubscribe(self) -> None:
        """Stop receiving images."""
        self._images.stop()

    def destroy(self) -> None:
        """Remove its subscription and its publishers."""
        self._images.stop()
        self._publishers.destroy()

    def open(self, frame: Frame) -> tuple[ImageMessage, float]:
        """Return the message of a frame, and its age in seconds when it was received.

        Raises:
            InputError: The message is cut off.
        """
        message = self._images.deserialize(frame.data)
        return message, self._stamps.age(stamp_of(message.header), frame.clock)

    def decode(self, message: ImageMessage) -> npt.NDArray[np.uint8]:
        """Return the image in a message, shape (H, W, 3).

        Raises:
            InputError: It is malformed or of an encoding that is not supported.
        """
        return self._images.decode(message)

    def publish(self, result: Result) -> None:
        """Publish what is asked for about one image, timing aside."""
        self._publishers.publish(result)

    def finish(self, result: Result) -> None:
        """Note and publish the times of an image about which all else is published."""
        self._latencies.add(result.times)
        self._publishers.publish_timing(result)

    def publish_label_info(self, class_names: Sequence[str], header: Header) -> None:
        """Publish the table of classes once, latched, where its type is installed."""
        self._publishers.publish_label_info(class_names, header)

    def note_error(self, reason: str) -> None:
        """Remember why an image was skipped."""
        self._last_error = reason

    def check(self, counters: Counters | None, settings: Settings) -> Iterator[Status]:
        """Report how the camera is; what became of images is compared with the last report.

        Args:
            counters: What became of its images since the node became active; None: it is not.
            settings: Current settings of the node.
        """
        yield diagnostics.check_outputs(self._publishers.incompatible)
        yield diagnostics.check_latency(self._latencies.summarize())
        if counters is not None:
            yield diagnostics.check_input(self._images.observe(settings.silence_timeout))
            before = self._reported
            self._reported = Freshness(counters, replace(self._stamps), self._last_error)
            yield diagnostics.check_freshness(self._reported, before, settings.max_age)
