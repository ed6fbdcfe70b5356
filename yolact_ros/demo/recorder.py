"""Listens to the node as anybody would, and writes what it hears into a bag."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2
from std_msgs.msg import Header
from yolact.msg import InstanceArray, ModelInfo, ObjectArray, StageTiming

from yolact_core.cli import stop_on_signals
from yolact_core.files import replace_when_done
from yolact_ros.bag.io.writer import BagWriter
from yolact_ros.deserialization import deserialize
from yolact_ros.node.qos import reliable

Stamp = tuple[int, int]  # seconds and nanoseconds
Write = Callable[[str, bytes], None]

NAMESPACE = '/demo'
SILENCE = 1.0  # seconds without a message after which nothing more is expected
DEPTH = 100  # of the queues: nothing is to be missed
CAMERA_INFO = f'{NAMESPACE}/camera_info'
INSTANCES = f'{NAMESPACE}/yolact/instances'
OVERLAY = f'{NAMESPACE}/yolact/overlay/compressed'
TIMING = f'{NAMESPACE}/yolact/timing'
MODEL_INFO = f'{NAMESPACE}/yolact/model_info'
OBJECTS = f'{NAMESPACE}/yolact/objects'
POINTS = f'{NAMESPACE}/yolact/objects/points'
TOPICS = {
    CAMERA_INFO: CameraInfo,  # small, and one comes with each image: it shows what was published
    INSTANCES: InstanceArray,
    OVERLAY: CompressedImage,
    TIMING: StageTiming,
    MODEL_INFO: ModelInfo,
}
TOPICS_IN_SPACE = {**TOPICS, OBJECTS: ObjectArray, POINTS: PointCloud2}
IN_SPACE = 'in_space'  # word of the command line that asks for them


class Recorder(Node):
    """Writes the topics of a camera and of the node that looks at it.

    Args:
        topics: Class of the messages of each topic.
        write: Function that adds a message to the bag, given its topic and bytes.
    """

    def __init__(self, topics: Mapping[str, type], write: Write) -> None:
        super().__init__('recorder')
        self._published: Stamp | None = None
        self._answered: Stamp | None = None
        self._last_message = time.monotonic()
        for topic, kind in topics.items():
            profile = reliable(DEPTH, latched=topic == MODEL_INFO)
            callback = self._make_callback(topic, write)
            self.create_subscription(kind, topic, callback, profile, raw=True)

    @property
    def is_done(self) -> bool:
        """Whether the camera has fallen silent and its last image was answered."""
        is_silent = time.monotonic() - self._last_message > SILENCE
        return is_silent and self._published is not None and self._published == self._answered

    def _make_callback(self, topic: str, write: Write) -> Callable[[bytes], None]:
        def on_message(data: bytes) -> None:
            write(topic, data)
            self._last_message = time.monotonic()
            if topic == CAMERA_INFO:
                self._published = _stamp_of(data)
            elif topic == TIMING:
                self._answered = _stamp_of(data)

        return on_message


def _stamp_of(data: bytes) -> Stamp:
    """Return the stamp of a message, which begins with a header."""
    stamp = deserialize(data, Header).stamp
    return stamp.sec, stamp.nanosec


@contextmanager
def write_bag(path: Path, topics: Mapping[str, type]) -> Iterator[Write]:
    """Give a function that adds a message to an mcap file, at the time of the call.

    Args:
        path: An older file is replaced only when the new one is complete.
        topics: Class of the messages of each topic.
    """
    with replace_when_done(path) as unfinished, tempfile.TemporaryDirectory() as folder:
        bag = BagWriter(Path(folder) / 'bag', {t: _name_of(kind) for t, kind in topics.items()})
        with bag:
            yield lambda topic, data: bag.write_data(topic, time.time_ns(), data)
        unfinished.write_bytes(bag.path.read_bytes())


def _name_of(kind: type) -> str:
    """Return the name of a type of messages, such as ``std_msgs/msg/Header``."""
    return f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'


def main() -> None:
    """Record until the camera is done, or until asked to stop."""
    path, *words = sys.argv[1:]
    topics = TOPICS_IN_SPACE if IN_SPACE in words else TOPICS
    with stop_on_signals() as is_stopped, write_bag(Path(path), topics) as write:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        recorder = Recorder(topics, write)
        while not (is_stopped() or recorder.is_done):
            rclpy.spin_once(recorder, timeout_sec=0.1)
        recorder.destroy_node()
        rclpy.shutdown()


if __name__ == '__main__':
    main()
