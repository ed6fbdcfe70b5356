"""Bags of results, written without ROS."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_ros.bag.io.bag import Message
from yolact_ros.messages.types import MODEL_INFO, ros2_types

if TYPE_CHECKING:
    from rosbags.interfaces import Qos

DISK_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


class BagWriter:
    """Writes an mcap bag: a context manager. It is whole only if nothing goes wrong.

    Args:
        folder: Folder of the bag, which must not exist; the file in it has the same name.
        topics: Type of each topic.
    """

    def __init__(self, folder: Path, topics: Mapping[str, str]) -> None:
        from rosbags.rosbag2 import StoragePlugin, Writer

        self.path = folder / f'{folder.name}.mcap'
        self._writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
        self._topics = topics

    def __enter__(self) -> BagWriter:
        self._writer.open()
        self._connections = {
            topic: self._writer.add_connection(
                topic,
                kind,
                typestore=ros2_types(),
                offered_qos_profiles=[_latched()] if kind == MODEL_INFO else [],
            )
            for topic, kind in self._topics.items()
        }
        return self

    def __exit__(self, *error: Any) -> None:  # noqa: ANN401 - as rosbags takes it
        self._writer.__exit__(*error)

    def write(self, topic: str, time: int, message: Message) -> None:
        """Write a message.

        Args:
            topic: Name of the topic.
            time: Time of recording, ns since 1970.
            message: Message of the type of the topic.
        """
        kind = self._topics[topic]
        self.write_data(topic, time, bytes(ros2_types().serialize_cdr(message, kind)))

    def write_data(self, topic: str, time: int, data: bytes) -> None:
        """Write a message that is serialized already."""
        self._writer.write(self._connections[topic], max(time, 0), data)  # mcap knows no less


def _latched() -> Qos:
    """Return the quality of service of a message that late subscribers get too."""
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    never = QosTime(2147483647, 4294967295)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL,
        deadline=never,
        lifespan=never,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=never,
        avoid_ros_namespace_conventions=False,
    )
