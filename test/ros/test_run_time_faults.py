"""A node among faults: its peers come and go, its disk fills, its camera and its clock change."""

import os
import resource
import signal
import time

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from pathlib import Path

from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from yolact.msg import InstanceArray, StageTiming

SECONDS = float(os.environ.get('YOLACT_FAULT_SECONDS', '20'))  # 3600 for an hour
WARM_UP = 0.4  # of the time: allocators of torch and Python settle
FULL = 64  # bytes that a file may have once the disk is full
TOPICS = {'overlay': Image, 'label_image': Image, 'prototypes': Image, 'instances': InstanceArray}
SIZES = [(height, width) for height in (60, 97, 240) for width in (80, 253, 320)]
ENCODINGS = {'rgb8': 3, 'bgr8': 3, 'mono8': 1, 'rgba8': 4, 'plaid8': 3, '32FC1': 4}
OUTCOMES = ('processed', 'dropped_busy', 'dropped_stale', 'unreadable', 'failed')


def resident(process):
    return int(Path(f'/proc/{process.pid}/statm').read_text().split()[1])


def make_any(make_image, random, stamp):
    """Make an image of some size and encoding, which may be one that nobody knows."""
    height, width = SIZES[random.integers(len(SIZES))]
    encoding, channels = list(ENCODINGS.items())[random.integers(len(ENCODINGS))]
    image = make_image(np.zeros((height, width, 3), np.uint8), stamp=max(stamp, 0.0))
    image.encoding, image.step = encoding, width * channels
    image.data = bytes(height * width * channels)
    return image


@pytest.mark.timeout(7200)
def test_memory_stays_and_counters_add_up_among_faults(start_node, tester, make_image, tmp_path):
    node = start_node(
        use_sim_time=True,
        max_age=5.0,
        max_detections=10,
        environment={'ROS_LOG_DIR': str(tmp_path)},
    )
    node.wait_for('listens to /image')
    timings = tester.listen('/yolact/timing', StageTiming)
    clock = tester.node.create_publisher(Clock, '/clock', 10)
    random = np.random.default_rng(0)
    began, now, memory, is_full, sent = time.monotonic(), 1000.0, 0, False, 0
    subscriptions = []
    while (passed := time.monotonic() - began) < SECONDS:
        sent += 1
        now += 0.02
        if sent % 40 == 0:  # the clock jumps, back and forth
            now = random.uniform(0, 2000)
        message = Clock()
        message.clock.sec, message.clock.nanosec = int(now), int(now % 1 * 1e9)
        clock.publish(message)
        tester.send(make_any(make_image, random, now - random.choice([0, 0, 0, -50, 50])))
        tester.spin(random.choice([0.0, 0.01, 0.05]))
        if sent % 10 == 0:  # subscribers come and go
            for subscription in subscriptions:
                tester.node.destroy_subscription(subscription)
            names = random.choice(list(TOPICS), 2, replace=False)
            subscriptions = [
                tester.node.create_subscription(TOPICS[n], f'/yolact/{n}', lambda _: None, 1)
                for n in names
            ]
        if sent % 100 == 0:
            node.process.send_signal(signal.SIGSTOP)
            time.sleep(0.3)
            node.process.send_signal(signal.SIGCONT)
        if not is_full and passed > SECONDS / 4:
            resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (FULL, FULL))
            is_full = True
        if not memory and passed > WARM_UP * SECONDS:
            memory = resident(node.process)
    timings.clear()
    last = tester.ask(make_image(), timings)
    assert node.process.poll() is None, node.log
    assert last.received == sum(getattr(last, outcome) for outcome in OUTCOMES)
    assert last.failed == 0
    assert min(last.processed, last.dropped_stale, last.unreadable) > 0
    assert resident(node.process) < 1.05 * memory
    assert 'Traceback' not in node.log
