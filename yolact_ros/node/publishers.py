"""The publishers of one camera: only what somebody subscribes to is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from std_msgs.msg import Header

from yolact_ros.messages.messages import ros_messages
from yolact_ros.messages.outputs import TIMING, Output, Result, list_outputs
from yolact_ros.node.qos import PublisherEventCallbacks, create_publisher, policy_name, reliable

LABEL_INFO = 'vision_msgs/msg/LabelInfo'


class Publishers:
    """The publishers of one camera.

    Args:
        node: Node that publishes.
        camera: Name of the camera; empty for the only one.

    Attributes:
        incompatible: QoS policy of the subscribers that cannot hear the node, by topic.
    """

    def __init__(self, node: Node, camera: str) -> None:
        self.incompatible: dict[str, str] = {}
        self._node = node
        self._prefix = f'~/{camera}/' if camera else '~/'
        outputs = list_outputs(ros_messages.factory)
        self._publishers = [(output, self._create_output(output)) for output in outputs]
        self._timing = self._create_output(TIMING)
        self._label_info: Publisher[Any] | None = None

    def publish(self, result: Result) -> None:
        """Publish what is asked for about one image, timing aside."""
        for output, publisher in self._publishers:
            _publish(publisher, output, result)

    def publish_timing(self, result: Result) -> None:
        """Publish where the time of one image went, if that is asked for."""
        _publish(self._timing, TIMING, result)

    def publish_label_info(self, class_names: Sequence[str], header: Header) -> None:
        """Publish the table of classes once, latched, where its type is installed."""
        if ros_messages.factory.knows(LABEL_INFO):
            profile = reliable(1, latched=True)
            self._label_info = self._create(LABEL_INFO, 'label_info', profile)
            self._label_info.publish(ros_messages.to_label_info(class_names, header))

    def destroy(self) -> None:
        """Remove all topics."""
        publishers = [publisher for _, publisher in self._publishers]
        for publisher in (*publishers, self._timing, self._label_info):
            if publisher is not None:
                self._node.destroy_publisher(publisher)

    def _create_output(self, output: Output) -> Publisher[Any]:
        return self._create(output.type, output.topic, reliable(output.depth))

    def _create(self, kind: str, topic: str, profile: QoSProfile) -> Publisher[Any]:
        def note(event: Any) -> None:  # noqa: ANN401
            self.incompatible[topic] = policy_name(event)

        events = PublisherEventCallbacks(incompatible_qos=note)
        return create_publisher(
            self._node, ros_messages.factory.type(kind), self._prefix + topic, profile, events
        )


def _publish(publisher: Publisher[Any], output: Output, result: Result) -> None:
    if publisher.get_subscription_count() > 0:
        publisher.publish(output.make(ros_messages, result))
