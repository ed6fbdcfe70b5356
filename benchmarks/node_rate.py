"""How many images a second go through the node, from a camera in a process of its own.

``node_rate.py``, part of ``make bench``, shows pictures of real rooms as a topic of 640x480 at 30
Hz to the node with ``indoor`` and the runtime that ``auto`` finds fastest. It drops what it has no
time for.

``node_rate.py --read-ahead`` shows what reading the next image while a network works on this one
gains, where a GPU does the work. The network is replaced by one that sleeps, as a CPU does that
waits for a GPU, and always sees the same scene; the camera sends JPEGs of 1920x1080, which take
long to decode. It needs no GPU.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice, repeat
from pathlib import Path

import cv2
from nodes import (
    WARM_UP,
    camera_before,
    make_image,
    make_scene,
    ros_of_its_own,
    run_node,
    save_model,
)
from sensor_msgs.msg import CompressedImage, Image
from yolact.msg import StageTiming

from yolact_core.media.image_files import read_image
from yolact_ros.images.decoding import JPEG_FORMAT, encode_jpeg, image_to_rgb

PICTURES = Path(__file__).parents[1] / 'test' / 'data' / 'real_rooms'
START = 'from yolact_ros.node.command import main; main()'
NODE = (sys.executable, '-c', START, '--ros-args', '-p', 'model.name:=indoor')
SIZE = (640, 480)
RATE, SECONDS = 30, 20
GOAL = 15  # images a second

JPEG_SIZE, JPEG_RATE, JPEG_SECONDS, JPEG_WARM_UP = (1920, 1080), 60, 10, 3
NETWORK = 0.02  # seconds
ROUNDS = 3
NAMES = {'0': 'one after the other', '1': 'reads ahead'}


def read_messages() -> list[Image]:
    """Return the pictures as messages."""
    messages = []
    for path in sorted(p for p in PICTURES.iterdir() if p.suffix in ('.jpg', '.png')):
        rgb = cv2.resize(read_image(path), SIZE, interpolation=cv2.INTER_AREA)
        message = Image(width=SIZE[0], height=SIZE[1], step=3 * SIZE[0], encoding='rgb8')
        message.data.frombytes(rgb.tobytes())
        messages.append(message)
    return messages


def measure_indoor() -> None:
    """Print rate and latency of the node with the shipped model."""
    with ros_of_its_own(), camera_before(NODE) as camera:
        messages = cycle(read_messages())

        def stamped(seconds: int) -> Iterator[Image]:
            for message in islice(messages, seconds * RATE):
                message.header.stamp = camera.node.get_clock().now().to_msg()
                yield message

        camera.play(stamped(WARM_UP), RATE)
        camera.timings.clear()
        camera.play(stamped(SECONDS), RATE)
    timings = camera.timings
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


def run_sleeping_node(model: Path, reads_ahead: bool) -> None:
    """Be the node, with a network that sleeps."""
    from yolact_core.network import Prediction
    from yolact_ros.node.model import Model

    scene = make_scene(model)

    def sleep(_backend: object, _images: object) -> Prediction:
        time.sleep(NETWORK)
        return scene

    Model.runs_on_cpu = property(lambda _: not reads_ahead)  # type: ignore[assignment,method-assign]
    run_node(sleep, {'model.name': model, 'image_transport': 'compressed'})


def measure_reading() -> None:
    """Measure both ways to read images in turn, and print rate and latency."""
    rgb = cv2.resize(image_to_rgb(make_image()), JPEG_SIZE, interpolation=cv2.INTER_CUBIC)
    message = CompressedImage(format=JPEG_FORMAT, data=encode_jpeg(rgb).tobytes())
    timings: dict[str, list[StageTiming]] = {flag: [] for flag in NAMES}
    with ros_of_its_own(), tempfile.TemporaryDirectory() as folder:
        model = save_model(Path(folder))
        for flag in list(NAMES) * ROUNDS:
            command = [sys.executable, __file__, str(model), flag]
            with camera_before(command, CompressedImage, 'image/compressed') as camera:
                camera.play(repeat(message, JPEG_WARM_UP * JPEG_RATE), JPEG_RATE)
                camera.timings.clear()
                camera.play(repeat(message, JPEG_SECONDS * JPEG_RATE), JPEG_RATE)
            timings[flag] += camera.timings
    print(f'JPEGs of 1920x1080 at {JPEG_RATE} Hz, a network that sleeps {1000 * NETWORK:.0f} ms')
    for flag, heard in timings.items():
        medians = {
            stage: 1000 * statistics.median(getattr(one, stage) for one in heard)
            for stage in ('decode', 'wait', 'total')
        }
        words = ', '.join(f'{stage} {value:.1f} ms' for stage, value in medians.items())
        rate = len(heard) / ROUNDS / JPEG_SECONDS
        print(f'{NAMES[flag]:20}{rate:5.1f} images/s; medians: {words}')


if __name__ == '__main__':
    if len(sys.argv) == 3:
        run_sleeping_node(Path(sys.argv[1]), sys.argv[2] == '1')
    elif sys.argv[1:] == ['--read-ahead']:
        measure_reading()
    else:
        measure_indoor()
