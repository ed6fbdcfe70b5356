"""What is published for costmap layers: of one size and one stamp, and nothing without depth."""

from __future__ import annotations

from yolact_ros.messages.builder import MessageBuilder
from yolact_ros.messages.clouds import POINT, to_cloud
from yolact_ros.messages.factory import Message
from yolact_ros.messages.result import Result


def make_nav_points(messages: MessageBuilder, result: Result) -> Message | None:
    """Return the organized cloud."""
    if result.nav is None:
        return None
    points = result.nav.points.view(POINT)[..., 0]
    return to_cloud(messages, points, result.header)


def make_nav_class_mask(messages: MessageBuilder, result: Result) -> Message | None:
    """Return the number of the class at each point."""
    if result.nav is None:
        return None
    classes, _ = result.nav.classes
    return messages.to_image(classes, 'mono8', result.header)


def make_nav_confidence(messages: MessageBuilder, result: Result) -> Message | None:
    """Return how sure the class at each point is."""
    if result.nav is None:
        return None
    _, confidence = result.nav.classes
    return messages.to_image(confidence, 'mono8', result.header)
