"""Topics that cost nothing while nobody needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription


class OnDemandSubscription:
    """A topic that is subscribed only while somebody needs it; its messages stay serialized.

    Best effort and volatile, it connects to every publisher.

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
        self._profile = QoSProfile(depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._put = put
        self._subscription: Subscription[Any] | None = None

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
            self._subscription = self._node.create_subscription(
                self.kind, self._relative_topic, self._put, self._profile, raw=True
            )
