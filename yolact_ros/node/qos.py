"""Quality of service: the profiles of the node, and the events of those that do not fit."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # its name in Humble
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks

__all__ = [
    'PublisherEventCallbacks',
    'SubscriptionEventCallbacks',
    'create_publisher',
    'newest_image',
    'policy_name',
    'reliable',
]


def newest_image() -> QoSProfile:
    """Return the profile for images: every camera can connect to it, and only the newest waits."""
    return QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


def reliable(depth: int, *, latched: bool = False) -> QoSProfile:
    """Return a profile for outputs, to which every usual subscriber can connect."""
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def create_publisher(
    node: Node,
    kind: Any,  # noqa: ANN401 - a class without types
    topic: str,
    profile: QoSProfile,
    events: PublisherEventCallbacks | None = None,
) -> Publisher[Any]:
    """Create a publisher whose quality of service can be overridden by parameters.

    Args:
        node: Node that publishes.
        kind: Class of the messages.
        topic: Name of the topic.
        profile: Profile without overrides.
        events: Callbacks for events of quality of service.
    """
    overrides = QoSOverridingOptions.with_default_policies()
    return node.create_publisher(
        kind, topic, profile, event_callbacks=events, qos_overriding_options=overrides
    )


def policy_name(event: Any) -> str:  # noqa: ANN401 - named differently in each distribution
    """Return the policy in which publisher and subscriber cannot agree, such as RELIABILITY."""
    return QoSPolicyKind(event.last_policy_kind).name
