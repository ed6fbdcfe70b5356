"""One camera: images come in, results go out, and it is noted how that goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile

from yolact_core.detections import Detections
from yolact_core.tracking import Tracker, Tracks, Trails
from yolact_ros.health import diagnostics
from yolact_ros.health.depth import check_depth
from yolact_ros.health.diagnostics import Status
from yolact_ros.health.freshness import Counters, Freshness, Stamps
from yolact_ros.health.latencies import Latencies
from yolact_ros.messages.builder import ros_messages
from yolact_ros.messages.outputs import TARGET_OUTPUTS, TIMING, Need, Output, list_outputs
from yolact_ros.messages.result import Result
from yolact_ros.messages.stamps import NS_PER_S, stamp_of
from yolact_ros.node.depth.depth import DepthInput
from yolact_ros.node.depth.transforms import Transforms
from yolact_ros.node.mailbox import Frame, Input
from yolact_ros.node.nav.label_info import LabelInfo
from yolact_ros.node.objects.service import ObjectService
from yolact_ros.node.qos import PublisherEventCallbacks, create_publisher, policy_name, reliable
from yolact_ros.node.removal.removal import Removal
from yolact_ros.node.settings import Settings
from yolact_ros.node.subscription import ImageMessage, ImageSubscription
from yolact_ros.node.target.service import TargetService


class Camera:
    """A camera of the node. Of its results only what somebody subscribes to is made.

    Args:
        node: Node that subscribes and publishes.
        name: Name of the camera; empty for the only one.
        settings: Settings of the node when it is configured.
        numbers: Numbers of new tracks, which all cameras share.
        transforms: Transforms of the robot.

    Attributes:
        images: Subscription of its images.
        depth: Depth and calibration beside them.
        label_info: What the values in its class masks mean.
    """

    def __init__(
        self,
        node: Node,
        name: str,
        settings: Settings,
        numbers: Iterator[int],
        transforms: Transforms,
    ) -> None:
        self.name = name
        is_compressed = settings.image_transport == 'compressed'
        self.images = ImageSubscription(node, name, is_compressed=is_compressed)
        is_compressed = settings.depth.transport == 'compressedDepth'
        self.depth = DepthInput(
            node, name, self.images.topic, transforms, is_compressed=is_compressed
        )
        self._node = node
        self._prefix = f'~/{name}/' if name else '~/'
        self._incompatible: dict[str, str] = {}  # QoS policy of deaf subscribers, by topic
        self._publishers = {
            output: self._create_publisher(output.type, output.topic, reliable(output.depth))
            for output in (*list_outputs(ros_messages.factory), *TARGET_OUTPUTS, TIMING)
        }
        self.label_info = LabelInfo(self._create_publisher)
        self._removal = Removal(self._create_publisher, self.depth)
        self._objects = ObjectService(
            node, self._prefix, self.depth, self._subscribe_what_is_needed
        )
        self._target = TargetService(node, self._prefix)
        self._tracker = Tracker(settings.tracking, numbers)
        self._trails = Trails()
        self._must_forget = False
        self._latencies = Latencies()
        self._stamps = Stamps()
        self._last_error = ''
        self._reported = Freshness()

    def start(self, put: Callable[[Frame], None]) -> None:
        """Receive images from now on, and what else is needed.

        Args:
            put: Function that is called with each image and returns at once.
        """

        def take(frame: Frame) -> None:
            put(frame)  # before anything else: the worker begins at once
            self._subscribe_what_is_needed()

        self._removal.start()
        self._objects.results.start()
        self.images.start(take)

    def stop(self) -> None:
        """Receive nothing."""
        self.images.stop()
        self._removal.stop()
        self._objects.results.stop()
        self.depth.switch(has_depth=False, has_camera_info=False)

    def destroy(self) -> None:
        """Remove its subscriptions and its publishers."""
        self.stop()
        self._target.destroy()
        self._objects.destroy()
        others = (*self.label_info.publishers, *self._removal.publishers)
        for publisher in (*self._publishers.values(), *others):
            self._node.destroy_publisher(publisher)

    def open(self, frame: Frame) -> tuple[ImageMessage, float]:
        """Return the message of a frame, and its age in seconds when it was received.

        Raises:
            InputError: The message is cut off.
        """
        message = self.images.deserialize(frame.data)
        return message, self._stamps.age(stamp_of(message.header), frame.clock)

    def forget_tracks(self) -> None:
        """Begin anew with the next image; may be called in any thread."""
        self._must_forget = True

    def track(self, one: Input, detections: Detections, settings: Settings) -> Tracks | None:
        """Return the tracks of what was found in an image; None if nothing is followed.

        Args:
            one: Image; without a stamp, it is of the time at which it came.
            detections: Instances in it.
            settings: Current settings of the node.
        """
        if self._must_forget or not settings.tracking.enabled:
            self._must_forget = False
            self._tracker.reset()
        if not settings.tracking.enabled:
            return None
        self._tracker.options = settings.tracking
        stamp = (stamp_of(one.header) or one.frame.clock) / NS_PER_S
        tracks = self._tracker.update(detections, stamp, one.rgb)
        return self._trails.follow(tracks, detections, stamp, settings.overlay.trails)

    def publish(self, result: Result, settings: Settings) -> None:
        """Publish what is asked for about one image, timing aside."""
        header, size, need = result.header, result.detections.size, self._need
        self._removal.show(header, result.detections, settings)
        if need >= Need.CAMERA_INFO:
            result = replace(result, camera_info=self.depth.find_camera_info(header, size))
        if need >= Need.DEPTH:
            result = replace(result, space=self.depth.find(header, size, settings.depth))
        result = replace(result, target=self._target.find(result, settings.tracking.max_lost))
        for output in self._publishers:
            if output is not TIMING:
                self._publish(output, result)
        self._objects.results.put(result)
        if (objects := result.known_objects) is not None:
            self.depth.note(len(result.detections), objects)

    def finish(self, result: Result) -> None:
        """Note and publish the times of an image about which all else is published."""
        self._latencies.add(result.times)
        self._publish(TIMING, result)

    def note_error(self, reason: str) -> None:
        """Remember why an image was skipped."""
        self._last_error = reason

    def check(self, counters: Counters | None, settings: Settings) -> Iterator[Status]:
        """Report how the camera is; what became of images is compared with the last report.

        Args:
            counters: What became of its images since the node became active; None: it is not.
            settings: Current settings of the node.
        """
        yield diagnostics.check_outputs(self._incompatible)
        yield diagnostics.check_latency(self._latencies.summarize())
        if counters is not None:
            self._subscribe_what_is_needed()
            self.depth.camera_info.adapt()
            yield check_depth(self.depth.report(settings.depth))
            yield self._removal.check()
            yield self._target.check()
            yield diagnostics.check_input(self.images.observe(settings.silence_timeout))
            before = self._reported
            self._reported = Freshness(counters, replace(self._stamps), self._last_error)
            yield diagnostics.check_freshness(self._reported, before, settings.max_age)
            if (brightness := self.images.measure_brightness()) is not None:
                yield diagnostics.check_brightness(brightness, settings.image_range)

    @property
    def _need(self) -> Need:
        """What the outputs that somebody hears are made of, and what is asked for."""
        if self._objects.needs_depth:
            return Need.DEPTH
        heard = (
            output.needs
            for output, publisher in self._publishers.items()
            if publisher.get_subscription_count() > 0
        )
        return max(heard, default=Need.IMAGE)

    def _subscribe_what_is_needed(self) -> None:
        need = Need.DEPTH if self._removal.is_heard else self._need
        self.depth.switch(has_depth=need >= Need.DEPTH, has_camera_info=need >= Need.CAMERA_INFO)

    def _create_publisher(self, kind: str, topic: str, profile: QoSProfile) -> Publisher[Any]:
        def note(event: Any) -> None:  # noqa: ANN401
            self._incompatible[topic] = policy_name(event)

        events = PublisherEventCallbacks(incompatible_qos=note)
        return create_publisher(
            self._node, ros_messages.factory.type(kind), self._prefix + topic, profile, events
        )

    def _publish(self, output: Output, result: Result) -> None:
        publisher = self._publishers[output]
        if publisher.get_subscription_count() > 0:
            message = output.make(ros_messages, result)
            if message is not None:
                publisher.publish(message)
