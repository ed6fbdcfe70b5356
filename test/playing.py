"""What tests of the player share: bags, and a player in its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header, String

from yolact_ros.player.timing import to_stamp

PLAYER = 'import sys; from yolact_ros.player import main; sys.exit(main())'
START = 1_700_000_000_000_000_000  # ns since 1970
LONGEST_LIFE = 10.0  # seconds, on a busy machine

CALIBRATION = {
    'image_width': 640,
    'image_height': 480,
    'camera_name': 'narrow',
    'camera_matrix': {'rows': 3, 'cols': 3, 'data': [500, 0, 320, 0, 501.5, 240, 0, 0, 1]},
    'distortion_model': 'plumb_bob',
    'distortion_coefficients': {'rows': 1, 'cols': 5, 'data': [0.1, -0.2, 0.001, 0, 0]},
    'rectification_matrix': {'rows': 3, 'cols': 3, 'data': [1, 0, 0, 0, 1, 0, 0, 0, 1]},
    'projection_matrix': {
        'rows': 3,
        'cols': 4,
        'data': [499, 0, 321, 0, 0, 500, 241, 0, 0, 0, 1, 0],
    },
}


def make_image(number: int, size: tuple[int, int] = (48, 64), frame_id: str = 'lens') -> Image:
    """Make an image that is as bright as its number."""
    header = Header(stamp=to_stamp(START + number * 10**8), frame_id=frame_id)
    height, width = size
    return Image(
        header=header,
        height=height,
        width=width,
        encoding='rgb8',
        step=3 * width,
        data=np.full(3 * height * width, number % 256, np.uint8).tobytes(),
    )


def make_jpeg(number: int, frame_id: str = 'lens') -> CompressedImage:
    """Make a compressed image that is as bright as its number."""
    pixels = np.full((48, 64, 3), number % 256, np.uint8)
    return CompressedImage(
        header=make_image(number, frame_id=frame_id).header,
        format='rgb8; jpeg compressed bgr8',
        data=cv2.imencode('.jpg', pixels)[1].tobytes(),
    )


def make_info(number: int) -> CameraInfo:
    """Make the camera info of an image."""
    return CameraInfo(header=make_image(number).header, height=48, width=64)


def write_bag(
    path: Path,
    topics: dict[str, Sequence[tuple[float, Any]]],
    storage: str = 'mcap',
    latched: Sequence[str] = (),
) -> Path:
    """Write a bag.

    Args:
        path: A folder that does not exist.
        topics: By name, seconds after the start and messages, or bytes that are to be one.
        storage: ``mcap`` or ``sqlite3``.
        latched: Topics that were published to late subscribers too.
    """
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    types = get_typestore(Stores.ROS2_JAZZY)
    never = QosTime(2147483647, 4294967295)
    keep = Qos(
        QosHistory.KEEP_LAST,
        1,
        QosReliability.RELIABLE,
        QosDurability.TRANSIENT_LOCAL,
        never,
        never,
        QosLiveliness.AUTOMATIC,
        never,
        False,
    )
    with Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()]) as writer:
        written = []
        for name, entries in topics.items():
            message = next((each for _, each in entries if not isinstance(each, bytes)), String())
            connection = writer.add_connection(
                name,
                f'{type(message).__module__.split(".")[0]}/msg/{type(message).__name__}',
                typestore=types,
                offered_qos_profiles=[keep] if name in latched else [],
            )
            written += [(seconds, connection, message) for seconds, message in entries]
        for seconds, connection, message in sorted(written, key=lambda entry: entry[0]):
            data = message if isinstance(message, bytes) else serialize_message(message)
            writer.write(connection, START + round(seconds * 1e9), data)
    return path


@contextmanager
def playing(domain: int, *words: object, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run a player in its own process, which is killed if it is still there at the end."""
    with subprocess.Popen(
        [sys.executable, '-c', PLAYER, *map(str, words)],
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def hear(node: Node, topic: str, kind: type[Any], qos: QoSProfile) -> list[Any]:
    """Subscribe a topic that nobody here does yet; return the list that will hold its messages.

    A player that waits for subscribers has not begun by then, so that nothing is missed.
    """
    heard: list[Any] = []
    node.create_subscription(kind, topic, heard.append, qos)
    return heard


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end of a player; return its exit status, output and errors."""
    output, errors = process.communicate(timeout=LONGEST_LIFE)
    return process.returncode, output, errors


def stop(process: subprocess.Popen[str], number: signal.Signals) -> float:
    """Ask a player to end and return how long that took, seconds."""
    began = time.monotonic()
    process.send_signal(number)
    process.wait(timeout=LONGEST_LIFE)
    return time.monotonic() - began
