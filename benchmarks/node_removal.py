"""How long depth takes through the node that takes objects out of it, beside a slow network.

Run with ``make bench``. Image and depth of 1280x720 come 30 times a second; the network always
sees the same twenty objects and sleeps, so that it answers five times a second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from nodes import (
    HEIGHT,
    OBJECTS,
    WARM_UP,
    WIDTH,
    camera_before,
    make_image,
    make_scene,
    ros_of_its_own,
    run_node,
    save_model,
)
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from yolact_core.config.class_sets import class_set
from yolact_ros.messages.stamps import stamp_of

NETWORK = 0.2  # seconds
RATE, SECONDS = 30, 10
GOAL = 10  # milliseconds


def make_depth(encoding: str) -> Image:
    """Return the depth of a slanted wall."""
    kind, unit = (np.uint16, 1000) if encoding == '16UC1' else (np.float32, 1)
    metres = np.linspace(1, 5, WIDTH)[None].repeat(HEIGHT, axis=0)
    values = (metres * unit).astype(kind)
    depth = Image(height=HEIGHT, width=WIDTH, step=values.strides[0], encoding=encoding)
    depth.data.frombytes(values.tobytes())
    return depth


def measure(model: Path, encoding: str) -> tuple[dict[int, float], dict[int, float]]:
    """Return when each depth image was sent and heard after warming up, by its stamp (ns)."""
    sent: dict[int, float] = {}
    heard: dict[int, float] = {}

    def note(message: Image) -> None:
        heard[stamp_of(message.header)] = time.monotonic()

    image, depth = make_image(), make_depth(encoding)
    command = [sys.executable, __file__, str(model)]
    with camera_before(command, heard={'removed/depth': (Image, note)}) as camera:
        profile = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
        depths = camera.node.create_publisher(Image, 'depth', profile)
        camera.spin(2.0)
        for number in range((WARM_UP + SECONDS) * RATE):
            due = time.monotonic() + 1 / RATE
            stamp = camera.node.get_clock().now()
            image.header.stamp = depth.header.stamp = stamp.to_msg()
            camera.publisher.publish(image)
            if number >= WARM_UP * RATE:
                sent[stamp.nanoseconds] = time.monotonic()
            depths.publish(depth)
            camera.spin(due - time.monotonic())
        camera.spin(1.0)
    return sent, heard


def main() -> None:
    """Measure for both encodings."""
    print(f'depth of {WIDTH}x{HEIGHT} at {RATE} Hz without {OBJECTS} objects, network at 5 Hz')
    with ros_of_its_own(), tempfile.TemporaryDirectory() as folder:
        model = save_model(Path(folder))
        for encoding in ('16UC1', '32FC1'):
            sent, heard = measure(model, encoding)
            delays = [heard[stamp] - sent[stamp] for stamp in sent if stamp in heard]
            if not delays:
                sys.exit('the node has not answered in time: the machine is too busy')
            median, late = np.percentile(delays, [50, 95]) * 1000
            print(
                f'{encoding}: {len(delays)} of {len(sent)} went out, p50 {median:.1f} ms, '
                f'p95 {late:.1f} ms (goal: {GOAL})'
            )


if __name__ == '__main__':
    if len(sys.argv) > 1:
        batch = make_scene(Path(sys.argv[1]))

        def predict(_backend: object, _images: object) -> object:
            """Take as long as a network on a CPU, and leave the CPU alone."""
            time.sleep(NETWORK)
            return batch

        names = list(class_set('coco').values())
        options = {'removal.classes': names, 'max_detections': OBJECTS, 'score_threshold': 0.3}
        run_node(predict, {'model.name': sys.argv[1], **options})
    else:
        main()
