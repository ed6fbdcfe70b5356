"""What the node costs beside the network: two processes, 30 images of 1280x720 a second.

Run with ``make bench``. The network is replaced by one that always sees the same scene of twenty
objects; all around it is the real node, and the figures are those that it publishes itself.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from yolact.msg import InstanceArray, StageTiming

from yolact_ros.health.fast_dds import find_profile_variable

if TYPE_CHECKING:
    from yolact_core.network import Prediction

PROFILE = Path(__file__).parents[1] / 'config' / 'fastdds.xml'
HEIGHT, WIDTH, RATE = 720, 1280, 30
SECONDS, WARM_UP = 10, 2
OBJECTS = 20
LIMITS = {'without overlay': 8, 'with overlay': 16}  # milliseconds


@dataclass
class Run:
    """What was heard of one run after it had warmed up.

    Args:
        sent: Images that were published.
        before: Images that the node had received by then.
        cpu: Seconds that all threads of the node worked meanwhile.
        timings: Of the images that it processed.
        found: In them.
    """

    sent: int = 0
    before: int = 0
    cpu: float = 0.0
    timings: list[StageTiming] = field(default_factory=list)
    found: list[InstanceArray] = field(default_factory=list)

    @property
    def overhead(self) -> float:
        """Median milliseconds from callback to published message, without the network."""
        return 1000 * statistics.median(one.total - one.inference for one in self.timings)

    @property
    def lost(self) -> int:
        """Images that were sent and never received."""
        return self.sent - (self.timings[-1].received - self.before)


def run_node(model: Path) -> None:
    """Be the node, with a network that always sees the same twenty objects."""
    from yolact_core.runtimes.torch import TorchBackend
    from yolact_ros.node.node import main

    batch = make_scene(model)
    TorchBackend.__call__ = lambda self, images: batch  # type: ignore[method-assign]
    options = {
        'model.name': model,
        'score_threshold': 0.3,
        'max_detections': OBJECTS,
    }
    parameters = [part for item in options.items() for part in ('-p', '{}:={}'.format(*item))]
    main(['node_overhead', '--ros-args', '--log-level', 'warn', *parameters])


def make_scene(model: Path) -> Prediction:
    """Return what a network would see."""
    import torch

    from yolact_core import load_network
    from yolact_core.benchmark.scene import cluttered_prediction
    from yolact_core.network import Prediction

    scene = cluttered_prediction(load_network(model).priors, candidates=300, objects=OBJECTS)
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


@contextmanager
def started_node(
    command: Sequence[str], node: Node, publisher: Publisher[Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a node in its own process, wait until it listens, and stop it at the end.

    Args:
        command: That is the node.
        node: That waits.
        publisher: To be listened to.
    """
    process = subprocess.Popen(command)
    try:
        while publisher.get_subscription_count() == 0:
            if process.poll() is not None:
                sys.exit('the node could not start')
            spin(node, 0.1)
        yield process
    finally:
        process.terminate()
        process.wait()


def measure(model: Path, also: dict[str, type]) -> Run:
    """Send images to a fresh node, listen to it, and return what was heard.

    Args:
        model: Checkpoint.
        also: Topics besides the instances that somebody listens to, and their types.
    """
    run = Run()
    node = rclpy.create_node('bench')
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = node.create_publisher(Image, 'image', best_effort)
    node.create_subscription(StageTiming, '/yolact/timing', run.timings.append, 10)
    node.create_subscription(InstanceArray, '/yolact/instances', run.found.append, 10)
    for topic, kind in also.items():
        node.create_subscription(kind, f'/yolact/{topic}', lambda _: None, 1)
    with started_node([sys.executable, __file__, str(model)], node, publisher) as process:
        spin(node, 1.0)
        send(node, publisher, WARM_UP * RATE)
        if not run.timings:
            sys.exit('the node does not answer in time: the machine is too busy')
        run.before = run.timings[-1].received
        run.timings.clear()
        run.cpu = -cpu_seconds(process)
        run.sent = send(node, publisher, SECONDS * RATE)
        run.cpu += cpu_seconds(process)
    node.destroy_node()
    return run


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return how long all threads of a process have worked."""
    fields = Path(f'/proc/{process.pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def send(node: Node, publisher: Publisher[Image], count: int) -> int:
    """Publish so many images, wait until they are through, and return how many they were.

    Like a camera, it never sends images close after each other to make up for a delay.
    """
    image = make_image()
    for _ in range(count):
        due = time.monotonic() + 1 / RATE
        publisher.publish(image)
        spin(node, due - time.monotonic())
    spin(node, 1.0)
    return count


def make_image() -> Image:
    """Return a smooth colourful picture."""
    noise = np.random.default_rng(0).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    bgr = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    image = Image(height=HEIGHT, width=WIDTH, step=3 * WIDTH, encoding='bgr8')
    image.data.frombytes(bgr.tobytes())
    return image


def spin(node: Node, seconds: float) -> None:
    """Let messages come in for a while."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        rclpy.spin_once(node, timeout_sec=left)


def report(runs: dict[str, Run]) -> None:
    """Print the table."""
    stages = ('wait', 'decode', 'preprocess', 'postprocess', 'encode')
    print(f'{WIDTH}x{HEIGHT}, {RATE} Hz best effort, {OBJECTS} instances, two processes')
    print(f'{"ms, median":18}' + ''.join(f'{name:>12}' for name in (*stages, 'overhead', 'goal')))
    for name, run in runs.items():
        medians = [
            1000 * statistics.median(getattr(one, stage) for one in run.timings)
            for stage in stages
        ]
        cells = ''.join(f'{value:12.2f}' for value in (*medians, run.overhead))
        goal = f'< {LIMITS[name]}' if name in LIMITS else ''
        print(f'{name:18}{cells}{goal:>12}')
    for name, run in runs.items():
        work = 1000 * run.cpu / len(run.timings)
        print(
            f'{name:18}{run.sent} sent, {run.lost} lost in transport, '
            f'{len(run.timings)} processed, each with {work:.1f} ms of CPU time'
        )
    found = next(iter(runs.values())).found[-1]
    masks = sum(4 * len(one.mask.rle) + len(one.mask.data) for one in found.instances)
    dense = len(found.instances) * HEIGHT * WIDTH
    print(
        f'masks of {len(found.instances)} instances: {masks / 1000:.1f} kB, as mono8 images '
        f'{dense / 1000:.0f} kB: 1/{dense / masks:.0f} (goal: under 1/200)'
    )


def stay_on_this_computer() -> None:
    """Keep to loopback, to a domain of its own, and to the profile for large images."""
    os.environ.update(  # also of the nodes that are started
        {
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'ROS_DOMAIN_ID': str(1 + os.getpid() % 100),
            find_profile_variable(): str(PROFILE),
        }
    )


def main() -> None:
    """Measure without and with somebody who listens to the overlay."""
    stay_on_this_computer()
    rclpy.init()
    with tempfile.TemporaryDirectory() as folder:
        model = save_model(Path(folder))
        runs = {
            'without overlay': measure(model, {}),
            'with overlay': measure(model, {'overlay': Image}),
            'with jpeg overlay': measure(model, {'overlay/compressed': CompressedImage}),
        }
    report(runs)
    rclpy.shutdown()


if __name__ == '__main__':
    run_node(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
