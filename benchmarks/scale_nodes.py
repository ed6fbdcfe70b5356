"""What one node takes for several cameras, each in its own topic."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice

from node_overhead import cpu_seconds
from node_rate import read_messages
from nodes import WARM_UP, camera_before, ros_of_its_own
from scale_bags import peak_memory
from yolact.msg import StageTiming

CAMERAS, RATE, SECONDS = (1, 2, 4, 8), 5, 8
COMMAND = 'from yolact_ros.node.command import main; main()'


@dataclass(frozen=True)
class NodeFigures:
    """What was heard of a node.

    Args:
        cameras: Number of its cameras.
        offered: Images a second that they published.
        processed: Images a second that it processed.
        dropped: Images a second that a newer one replaced before the node was free.
        cpu: Seconds that all of its threads work for an image that it processes.
        latency: Seconds from callback to published message, median.
        latency_95: The same, 95th percentile.
        memory: MiB that it held at most.
    """

    cameras: int
    offered: float
    processed: float
    dropped: float
    cpu: float
    latency: float
    latency_95: float
    memory: float


def measure_nodes() -> list[NodeFigures]:
    """Measure a fresh node for each number of cameras."""
    with ros_of_its_own():
        return [measure_node(cameras) for cameras in CAMERAS]


def measure_node(cameras: int) -> NodeFigures:
    """Let some cameras publish to a fresh node, in turn, and return what was heard of it."""
    names = [f'camera{number}' for number in range(cameras)]
    heard: list[StageTiming] = []
    newest: dict[str, StageTiming] = {}

    def listen(name: str) -> tuple[type, Callable[[StageTiming], None]]:
        def note(timing: StageTiming) -> None:
            heard.append(timing)
            newest[name] = timing

        return StageTiming, note

    words = ['-p', 'model.name:=indoor', '-p', f'cameras:=[{",".join(names)}]']
    command = [sys.executable, '-c', COMMAND, '--ros-args', '--log-level', 'warn', *words]
    topics = {f'{name}/timing': listen(name) for name in names}
    with camera_before(command, topic=f'{names[0]}/image', heard=topics) as camera:
        messages = read_messages()
        kind, quality = type(messages[0]), camera.publisher.qos_profile
        others = [f'{name}/image' for name in names[1:]]
        publishers = [
            camera.publisher,
            *(camera.node.create_publisher(kind, topic, quality) for topic in others),
        ]
        while not all(one.get_subscription_count() for one in publishers):
            camera.spin(0.1)
        turns = zip(cycle(publishers), cycle(messages), strict=False)

        def play(seconds: int) -> int:
            count = seconds * RATE * cameras
            for publisher, message in islice(turns, count):
                due = time.monotonic() + 1 / RATE / cameras
                message.header.stamp = camera.node.get_clock().now().to_msg()
                publisher.publish(message)
                camera.spin(due - time.monotonic())
            return count

        play(WARM_UP)
        camera.spin(1.0)
        heard.clear()
        dropped, cpu = count_dropped(newest), cpu_seconds(camera.process)
        began = time.monotonic()
        sent = play(SECONDS)
        wall = time.monotonic() - began
        camera.spin(1.0)
        dropped, cpu = count_dropped(newest) - dropped, cpu_seconds(camera.process) - cpu
        memory = peak_memory(camera.process.pid)
    if not heard:
        sys.exit('the node has not answered a single image')
    latencies = sorted(one.total for one in heard)
    return NodeFigures(
        cameras=cameras,
        offered=sent / wall,
        processed=len(heard) / wall,
        dropped=dropped / wall,
        cpu=cpu / len(heard),
        latency=statistics.median(latencies),
        latency_95=latencies[int(0.95 * len(latencies))],
        memory=memory,
    )


def count_dropped(newest: dict[str, StageTiming]) -> int:
    """Return how many images were replaced by newer ones so far, of all cameras."""
    return sum(one.dropped_busy for one in newest.values())
