"""Topics that cost nothing while nobody needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

from yolact_ros.node.qos import reliable


class OnDemandSubscription:
    """A topic that is subscribed only while somebody needs it; its messages stay serialized.

    Best effort and volatile, it connects to every publisher. Where all publishers keep their last
    message for latecomers, it is reliable and transient local, and gets that message, too.

    Args:
        node: Node that subscribes.
        topic: Name of the topic, before remapping.
        kind: Class of the messages.
        depth: Depth of the queue.
        put: Function that is called with each serialized message.
    """

    def __init__(
        self, node: Node, topic: str, kind: type[Any], depth: int, put: Callable[[bytes], None]
    ) -> None:
        self.topic: str = node.resolve_topic_name(topic)
        self.kind = kind
        self._node = node
        self._relative_topic = topic
        self._depth = depth
        self._put = put
        self._subscription: Subscription[Any] | None = None
        self._is_latched = False

    @property
    def is_on(self) -> bool:
        """Whether the topic is subscribed."""
        return self._subscription is not None

    def switch(self, *, is_on: bool) -> None:
        """Subscribe the topic or not; in the thread of the executor."""
        if is_on == self.is_on:
            return
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
        else:
            self._is_latched = self._are_publishers_latched()
            self._subscription = self._node.create_subscription(
                self.kind, self._relative_topic, self._put, self._profile, raw=True
            )

    def adapt(self) -> None:
        """Subscribe anew if the publishers are others by now; in the thread of the executor."""
        if self.is_on and self._is_latched != self._are_publishers_latched():
            self.switch(is_on=False)
            self.switch(is_on=True)

    @property
    def _profile(self) -> QoSProfile:
        if self._is_latched:
            return reliable(self._depth, latched=True)
        return QoSProfile(depth=self._depth, reliability=ReliabilityPolicy.BEST_EFFORT)

    def _are_publishers_latched(self) -> bool:
        profiles = [
            publisher.qos_profile
            for publisher in self._node.get_publishers_info_by_topic(self.topic)
        ]
        return bool(profiles) and all(
            profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
            and profile.reliability == ReliabilityPolicy.RELIABLE
            for profile in profiles
        )
