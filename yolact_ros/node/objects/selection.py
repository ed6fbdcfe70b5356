"""Some of the objects of one image, in all messages about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yolact_ros.messages.builder import MessageBuilder
from yolact_ros.messages.clouds import make_points_of_each
from yolact_ros.messages.factory import Message
from yolact_ros.messages.objects import make_objects
from yolact_ros.messages.outputs import make_instances
from yolact_ros.messages.result import Result


@dataclass(frozen=True)
class Selection:
    """Which instances somebody asks for; they keep the labels that they have among all.

    Args:
        class_names: Names of the classes that they may have; empty: any.
        ids: Tracks that they may belong to; empty: any, or none.
    """

    class_names: Sequence[str] = ()
    ids: Sequence[str] = ()

    def to_messages(
        self, messages: MessageBuilder, result: Result
    ) -> tuple[Message, Message, list[Message]]:
        """Return instances, objects in space, and the points of each of these.

        Args:
            messages: Builder of messages.
            result: What was found in an image.
        """
        instances, objects = make_instances(messages, result), make_objects(messages, result)
        clouds = make_points_of_each(messages, result)
        pairs = zip(objects.objects, clouds, strict=True)
        chosen = [(one, cloud) for one, cloud in pairs if self._takes(one)]
        instances.instances = [one for one in instances.instances if self._takes(one)]
        objects.objects = [one for one, _ in chosen]
        return instances, objects, [cloud for _, cloud in chosen]

    def _takes(self, one: Message) -> bool:
        is_of_class = not self.class_names or one.class_name in self.class_names
        return is_of_class and (not self.ids or one.id in self.ids)
