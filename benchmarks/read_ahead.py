"""What reading the next image while a network works on this one gains, where a GPU does the work.

The network is replaced by one that sleeps, as a CPU does that waits for a GPU, and always sees the
same scene; the camera sends JPEGs of 1920x1080, which take long to decode. Run
``python benchmarks/read_ahead.py``; it needs no GPU.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2
import rclpy
from node_overhead import (
    make_image,
    make_scene,
    save_model,
    spin,
    started_node,
    stay_on_this_computer,
)
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage
from yolact.msg import StageTiming

from yolact_ros.images.conversions import JPEG_FORMAT, encode_jpeg, image_to_rgb

SIZE, RATE, SECONDS, WARM_UP = (1920, 1080), 60, 10, 3
NETWORK = 0.02  # seconds
ROUNDS = 3
NAMES = {'0': 'one after the other', '1': 'reads ahead'}


def run_node(model: Path, reads_ahead: bool) -> None:
    """Be the node, with a network that sleeps."""
    from yolact_core.network import Prediction
    from yolact_core.runtimes.torch import TorchBackend
    from yolact_ros.node.model import Model
    from yolact_ros.node.node import main

    scene = make_scene(model)

    def sleep(_self: TorchBackend, _images: object) -> Prediction:
        time.sleep(NETWORK)
        return scene

    TorchBackend.__call__ = sleep  # type: ignore[method-assign]
    Model.runs_on_cpu = property(lambda _: not reads_ahead)  # type: ignore[assignment,method-assign]
    options = {'model.name': model, 'image_transport': 'compressed'}
    parameters = [part for item in options.items() for part in ('-p', '{}:={}'.format(*item))]
    main(['read_ahead', '--ros-args', '--log-level', 'warn', *parameters])


def measure(model: Path, flag: str) -> list[StageTiming]:
    """Show images to a fresh node and return what it says of those after it has warmed up."""
    node = rclpy.create_node('bench')
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = node.create_publisher(CompressedImage, 'image/compressed', best_effort)
    heard: list[StageTiming] = []
    node.create_subscription(StageTiming, '/yolact/timing', heard.append, 10)
    with started_node([sys.executable, __file__, str(model), flag], node, publisher):
        play(node, publisher, WARM_UP)
        heard.clear()
        play(node, publisher, SECONDS)
    node.destroy_node()
    return heard


def play(node: Node, publisher: rclpy.publisher.Publisher[CompressedImage], seconds: int) -> None:
    """Be a camera for a while."""
    rgb = cv2.resize(image_to_rgb(make_image()), SIZE, interpolation=cv2.INTER_CUBIC)
    message = CompressedImage(format=JPEG_FORMAT, data=encode_jpeg(rgb).tobytes())
    for _ in range(seconds * RATE):
        due = time.monotonic() + 1 / RATE
        publisher.publish(message)
        spin(node, due - time.monotonic())


def main() -> None:
    """Measure both ways in turn, and print rate and latency."""
    stay_on_this_computer()
    rclpy.init()
    timings: dict[str, list[StageTiming]] = {flag: [] for flag in NAMES}
    with tempfile.TemporaryDirectory() as folder:
        model = save_model(Path(folder))
        for _ in range(ROUNDS):
            for flag, heard in timings.items():
                heard += measure(model, flag)
    rclpy.shutdown()
    print(f'JPEGs of 1920x1080 at {RATE} Hz, a network that sleeps {1000 * NETWORK:.0f} ms')
    for flag, heard in timings.items():
        medians = {
            stage: 1000 * statistics.median(getattr(one, stage) for one in heard)
            for stage in ('decode', 'wait', 'total')
        }
        words = ', '.join(f'{stage} {value:.1f} ms' for stage, value in medians.items())
        print(f'{NAMES[flag]:20}{len(heard) / ROUNDS / SECONDS:5.1f} images/s; medians: {words}')


if __name__ == '__main__':
    if len(sys.argv) == 3:
        run_node(Path(sys.argv[1]), sys.argv[2] == '1')
    main()
