"""How many images a second of a 640x480 topic at 30 Hz go through the node with ``indoor``.

Run with ``make bench``: camera and node are processes of their own, the pictures are real rooms,
and the node takes the runtime that ``auto`` finds fastest. It drops what it has no time for.
"""

from __future__ import annotations

import statistics
import sys
import time
from itertools import cycle, islice
from pathlib import Path

import cv2
import rclpy
from node_overhead import WARM_UP, spin, started_node, stay_on_this_computer
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from yolact.msg import StageTiming

from yolact_core.media.image_files import read_image

PICTURES = Path(__file__).parents[1] / 'test' / 'data' / 'real_rooms'
START = 'import sys; from yolact_ros.node.node import main; sys.exit(main(sys.argv))'
NODE = (sys.executable, '-c', START, '--ros-args', '-p', 'model.name:=indoor')
SIZE = (640, 480)
RATE, SECONDS = 30, 20
GOAL = 15  # images a second


def read_messages() -> list[Image]:
    """Return the pictures as messages."""
    messages = []
    for path in sorted(p for p in PICTURES.iterdir() if p.suffix in ('.jpg', '.png')):
        rgb = cv2.resize(read_image(path), SIZE, interpolation=cv2.INTER_AREA)
        message = Image(width=SIZE[0], height=SIZE[1], step=3 * SIZE[0], encoding='rgb8')
        message.data.frombytes(rgb.tobytes())
        messages.append(message)
    return messages


def measure(node: Node) -> list[StageTiming]:
    """Publish for a while, and return the timings of what was processed after the warm-up."""
    timings: list[StageTiming] = []
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = node.create_publisher(Image, 'image', best_effort)
    node.create_subscription(StageTiming, '/yolact/timing', timings.append, 10)
    with started_node(NODE, node, publisher):
        for index, message in enumerate(
            islice(cycle(read_messages()), (WARM_UP + SECONDS) * RATE)
        ):
            due = time.monotonic() + 1 / RATE
            if index == WARM_UP * RATE:
                timings.clear()
            message.header.stamp = node.get_clock().now().to_msg()
            publisher.publish(message)
            spin(node, due - time.monotonic())
    return timings


def main() -> None:
    """Measure, and print rate and latency."""
    stay_on_this_computer()
    rclpy.init()
    timings = measure(rclpy.create_node('bench'))
    rclpy.shutdown()
    if not timings:
        sys.exit('the node has not answered a single image')
    times = sorted(1000 * one.total for one in timings)
    network = 1000 * statistics.median(one.inference for one in timings)
    print(
        f'indoor, {SIZE[0]}x{SIZE[1]} at {RATE} Hz: {len(timings) / SECONDS:.1f} images/s '
        f'processed (goal: at least {GOAL}); callback to published p50 '
        f'{statistics.median(times):.1f} ms, p95 {times[int(0.95 * len(times))]:.1f} ms, '
        f'network {network:.1f} ms'
    )


if __name__ == '__main__':
    main()
