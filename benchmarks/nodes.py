"""What the benchmarks of the node share: a camera before a node in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt
import rclpy
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from yolact.msg import StageTiming

from yolact_ros.health.transport import find_profile_variable

if TYPE_CHECKING:
    from yolact_core.network import Prediction

PROFILE = Path(__file__).parents[1] / 'config' / 'fastdds.xml'
HEIGHT, WIDTH = 720, 1280
WARM_UP = 2  # seconds
OBJECTS = 20
Message = Image | CompressedImage


@dataclass
class Camera:
    """A camera before a node that has been started, and what is heard of that node.

    Args:
        node: Node of the camera.
        publisher: Publisher of its images.
        process: Process of the node that is measured.
        timings: Timings that the measured node has published.
    """

    node: Node
    publisher: Publisher[Any]
    process: subprocess.Popen[bytes]
    timings: list[StageTiming]

    def play(self, messages: Iterable[Message], rate: float) -> None:
        """Publish images; like a camera, never close after each other to make up for a delay."""
        for message in messages:
            due = time.monotonic() + 1 / rate
            self.publisher.publish(message)
            self.spin(due - time.monotonic())

    def spin(self, seconds: float) -> None:
        """Let messages come in for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            rclpy.spin_once(self.node, timeout_sec=left)


@contextmanager
def camera_before(
    command: Sequence[str],
    kind: type[Message] = Image,
    topic: str = 'image',
    heard: Mapping[str, tuple[type, Callable[[Any], None]]] | None = None,
) -> Iterator[Camera]:
    """Start a node in its own process, wait until it listens to a camera, and stop it at the end.

    Args:
        command: Command that starts the node.
        kind: Type of the messages that the camera publishes.
        topic: Topic that it publishes them on.
        heard: Type and callback of further topics of the node to listen to, by their names.
    """
    node = rclpy.create_node('bench')
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = node.create_publisher(kind, topic, best_effort)
    timings: list[StageTiming] = []
    node.create_subscription(StageTiming, '/yolact/timing', timings.append, 10)
    for name, (heard_kind, callback) in (heard or {}).items():
        node.create_subscription(heard_kind, f'/yolact/{name}', callback, 10)
    camera = Camera(node, publisher, subprocess.Popen(command), timings)
    try:
        while publisher.get_subscription_count() == 0:
            if camera.process.poll() is not None:
                sys.exit('the node could not start')
            camera.spin(0.1)
        yield camera
    finally:
        camera.process.terminate()
        camera.process.wait()
        node.destroy_node()


@contextmanager
def ros_of_its_own() -> Iterator[None]:
    """Start ROS on loopback, in a domain of its own, with the profile for large images."""
    os.environ.update(  # also of the nodes that are started
        {
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'ROS_DOMAIN_ID': str(1 + os.getpid() % 100),
            find_profile_variable(): str(PROFILE),
        }
    )
    rclpy.init()
    try:
        yield
    finally:
        rclpy.shutdown()


def run_node(predict: Callable[..., Prediction], parameters: Mapping[str, object]) -> None:
    """Be the node, with another network, which takes bytes as exported ones do.

    Args:
        predict: Stands for the network: called with the backend and images.
        parameters: Parameters of the node, by name.
    """
    from yolact_core.inference.preprocessing import BytePreprocessor
    from yolact_core.runtimes.torch import TorchBackend
    from yolact_ros.node.command import main

    @cache
    def preprocessor(backend: TorchBackend) -> BytePreprocessor:
        return BytePreprocessor(backend.config)

    TorchBackend.prepare = lambda backend, images: preprocessor(backend)(images)  # type: ignore[method-assign]
    TorchBackend.__call__ = predict  # type: ignore[method-assign]
    given = {'model.backend': 'torch', **parameters}
    words = [word for name, value in given.items() for word in ('-p', f'{name}:={value}')]
    main(['--ros-args', '--log-level', 'warn', *words])


def make_scene(model: Path, objects: int = OBJECTS) -> Prediction:
    """Return what a network would see that always sees the same objects."""
    import torch

    from yolact_core import load_network
    from yolact_core.benchmark.workload import cluttered_prediction
    from yolact_core.network import Prediction

    network = load_network(model)
    scene = cluttered_prediction(network.config, network.priors, 300, objects)
    batch = Prediction(*(output.unsqueeze(0) for output in scene))
    prototypes = batch.prototypes.contiguous(memory_format=torch.channels_last)  # as in reality
    return batch._replace(prototypes=prototypes)


def save_model(folder: Path) -> Path:
    """Write a checkpoint with the priors and prototypes of a network of full size."""
    from yolact_core import ModelConfig, build_network, save_checkpoint

    config = ModelConfig.from_name('yolact_resnet50')
    small = ModelConfig.from_name('yolact_resnet18').replace(
        input_size=config.input_size, anchors=config.anchors, feature_channels=16
    )
    save_checkpoint(build_network(small), folder / 'model.safetensors')
    return folder / 'model.safetensors'


def make_picture() -> npt.NDArray[np.uint8]:
    """Return a smooth colourful picture, shape (HEIGHT, WIDTH, 3)."""
    noise = np.random.default_rng(0).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    picture = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(picture, dtype=np.uint8)


def make_image() -> Image:
    """Return that picture as a message."""
    image = Image(height=HEIGHT, width=WIDTH, step=3 * WIDTH, encoding='bgr8')
    image.data.frombytes(make_picture().tobytes())
    return image
