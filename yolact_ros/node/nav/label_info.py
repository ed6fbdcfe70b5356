"""What the values in class masks mean, for those who know ``vision_msgs``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from std_msgs.msg import Header

from yolact_core.lifting.nav_grid import number_classes
from yolact_ros.messages.builder import ros_messages
from yolact_ros.messages.types import LABEL_INFO
from yolact_ros.node.qos import reliable
from yolact_ros.node.settings import Settings

CLASS_MASK, NAV_CLASS_MASK = 'label_info', 'nav/label_info'


class LabelInfo:
    """Tables of the classes in the class masks of one camera, latched.

    Args:
        create_publisher: Function that takes type, topic and profile.
    """

    def __init__(self, create_publisher: Callable[[str, str, QoSProfile], Publisher[Any]]) -> None:
        topics = (CLASS_MASK, NAV_CLASS_MASK) if ros_messages.factory.knows(LABEL_INFO) else ()
        self._publishers = {
            topic: create_publisher(LABEL_INFO, topic, reliable(1, latched=True))
            for topic in topics
        }
        self._published: dict[str, dict[int, str]] = {}

    @property
    def publishers(self) -> Sequence[Publisher[Any]]:
        """Publishers of its topics; none where the type is not installed."""
        return tuple(self._publishers.values())

    def publish(self, class_names: Sequence[str], settings: Settings, header: Header) -> None:
        """Publish the tables that have changed.

        Args:
            class_names: Names of the classes that the model knows.
            settings: Current settings of the node.
            header: Header of the messages.
        """
        tables = {
            CLASS_MASK: dict(enumerate(class_names)),
            NAV_CLASS_MASK: name_nav_classes(class_names, settings),
        }
        for topic, publisher in self._publishers.items():
            if self._published.get(topic) != tables[topic]:
                publisher.publish(ros_messages.to_label_info(tables[topic], header))
                self._published[topic] = tables[topic]


def name_nav_classes(class_names: Sequence[str], settings: Settings) -> dict[int, str]:
    """Return the name of each number that the class mask for costmaps may have.

    Costmap layers take a class that they are told of, but not configured for, as an error:
    background and classes that are never published are left out.
    """
    numbers = number_classes(class_names, settings.nav.classes, settings.nav.background)
    return {
        number: class_names[class_id]
        for class_id, number in numbers.items()
        if not settings.classes or class_names[class_id] in settings.classes
    }
