"""Many images of changing size: memory stays, nothing leaks, the counters add up."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from yolact.msg import InstanceArray, StageTiming

COUNT = int(os.environ.get('YOLACT_SOAK_IMAGES', '1500'))  # 20000 for the whole soak
WARM_UP = 0.4  # of all images: allocators of torch and Python settle
SIZES = [(height, width) for height in (60, 96, 181, 240) for width in (80, 128, 253, 320)]
OUTCOMES = ('processed', 'dropped_busy', 'dropped_stale', 'unreadable', 'failed')


def resident(process):
    return int(Path(f'/proc/{process.pid}/statm').read_text().split()[1])


def open_files(process):
    return len(list(Path(f'/proc/{process.pid}/fd').iterdir()))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_memory_and_files_stay_and_counters_add_up(start_node, tester, make_image):
    node = start_node(max_detections=10)
    node.wait_for('listens to /image')
    timings = tester.listen('/yolact/timing', StageTiming)
    answers = tester.listen('/yolact/instances', InstanceArray)
    random = np.random.default_rng(0)
    images = [make_image(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in SIZES]
    images.append(make_image(encoding='plaid8'))
    memory, files = 0, 0
    for index in range(COUNT):
        seen = len(timings)
        tester.send(images[index % len(images)])
        end = time.monotonic() + 0.1
        while len(timings) == seen and time.monotonic() < end and index % len(images) < len(SIZES):
            tester.executor.spin_once(timeout_sec=0.02)
        if index == int(WARM_UP * COUNT):
            memory, files = resident(node.process), open_files(node.process)
    tester.spin(1.0)
    timings.clear()
    last = tester.ask(images[0], timings)
    assert last.received == sum(getattr(last, outcome) for outcome in OUTCOMES)
    assert last.failed == 0
    assert last.unreadable > 0
    assert last.processed >= 0.5 * COUNT
    assert len(answers) >= 0.5 * COUNT
    assert resident(node.process) < 1.02 * memory
    assert open_files(node.process) <= files
