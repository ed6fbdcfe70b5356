"""Small bags, and reading all that is in one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from yolact_core.errors import InputError
from yolact_ros.bag.io.bag import Bag
from yolact_ros.images.decoding import compressed_to_rgb, encode_jpeg, image_to_rgb
from yolact_ros.masks import unite
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.types import (
    COMPRESSED_IMAGE,
    IMAGE,
    INSTANCES,
    STAGE_TIMING,
    ros2_types,
)

READERS: dict[str, Callable[[Any], object]] = {
    IMAGE: image_to_rgb,
    COMPRESSED_IMAGE: compressed_to_rgb,
    INSTANCES: unite,
}


def small_messages() -> list[tuple[str, str, int, bytes]]:
    """Return topics, types, times and messages of a few images and results."""
    rgb = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    header = bag_messages.to_header(1, 'camera')
    jpeg = bag_messages.make(COMPRESSED_IMAGE, header=header, format='jpeg', data=encode_jpeg(rgb))
    results = bag_messages.make(INSTANCES, header=header, image_height=6, image_width=8)
    messages = [
        ('/camera', IMAGE, bag_messages.to_image(rgb, 'rgb8', header)),
        ('/small/compressed', COMPRESSED_IMAGE, jpeg),
        ('/instances', INSTANCES, results),
        ('/timing', STAGE_TIMING, bag_messages.make(STAGE_TIMING, header=header)),
    ]
    return [
        (topic, kind, 100 * time, bytes(ros2_types().serialize_cdr(message, kind)))
        for time in (1, 2, 3)
        for topic, kind, message in messages
    ]


def write_database() -> bytes:
    """Return a small bag of SQLite."""
    from rosbags.rosbag2 import StoragePlugin, Writer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'bag'
        with Writer(path, version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
            connections: dict[str, Any] = {}
            for topic, kind, time, data in small_messages():
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=ros2_types())
                writer.write(connections[topic], time, data)
        return (path / 'bag.db3').read_bytes()


def read_all(path: Path) -> None:
    """Read each message of a bag, and decode what is an image or a result.

    Args:
        path: The bag.
    """
    with Bag(path, lambda _: None) as bag:
        for entry in bag.entries([topic.name for topic in bag.topics]):
            if reader := READERS.get(entry.type):
                try:
                    reader(bag.deserialize(entry))
                except InputError:
                    continue
