"""Many images with depth that stops, comes back and jumps: instances go on, memory stays."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from depth_messages import make_camera_info, make_depth
from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from visualization_msgs.msg import MarkerArray
from yolact.msg import InstanceArray, ObjectArray

COUNT = int(os.environ.get('YOLACT_SOAK_IMAGES', '350'))  # 20000 for the whole soak
WARM_UP = 0.4  # of all images: allocators of torch and Python settle
PERIOD = 0.1  # seconds from image to image, by their stamps
CYCLE = 140  # images
JUMP = 1000.0  # seconds
PATIENCE = 0.5  # seconds until the next image comes without an answer to this one
SIZES = [(96, 128), (60, 80), (120, 160)]
OUTPUTS = {
    'instances': InstanceArray,
    'objects': ObjectArray,
    'objects/points': PointCloud2,
    'markers': MarkerArray,
    'removed/depth': Image,
}


def stamp_of_depth(index, stamp):
    """Return the stamp of the depth that comes with an image; None: none comes."""
    place = index % CYCLE
    if place < 80:
        return stamp
    if place < 100:
        return None  # the depth camera has stopped
    return stamp + (JUMP if place < 120 else -JUMP)


def resident(process):
    return int(Path(f'/proc/{process.pid}/statm').read_text().split()[1])


def count_outputs(tester):
    """Count the messages of the outputs, and keep nothing else of them."""
    counts = Counter()

    def begin(topic, kind):
        def add(message):
            counts[topic] += 1
            if topic == 'objects':
                counts['with objects'] += bool(message.objects)

        topic_name = f'/yolact/{topic}'
        tester.node.create_subscription(kind, topic_name, add, 100)
        tester.until(lambda: tester.node.count_publishers(topic_name), topic)

    for topic, kind in OUTPUTS.items():
        begin(topic, kind)
    return counts


def count_removals(arrays):
    """Return what became of all depth images, by the diagnostics."""
    total = Counter()
    for array in arrays:
        for status in array.status:
            if status.name == 'yolact: removal':
                total.update({one.key: int(one.value) for one in status.values[:3]})
    return total


@pytest.mark.timeout(3600)
def test_memory_stays_counts_add_up_and_instances_go_on_whatever_depth_does(
    start_node, tester, make_image
):
    node = start_node(max_detections=10, diagnostics_period=0.5, removal__classes=['chair'])
    node.wait_for('listens to /image')
    count = count_outputs(tester)
    reports = tester.listen('/diagnostics', DiagnosticArray)
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]
    for topic, kind in (('/image', Image), ('/depth', Image), ('/camera_info', CameraInfo)):
        tester.advertise(topic, kind, 10)  # reliable: what is sent arrives
    memory, sent, matching = 0, 0, 0
    for index in range(COUNT):
        stamp, kind = 2000.0 + index * PERIOD, index // CYCLE % len(SIZES)
        depth_stamp = stamp_of_depth(index, stamp)
        seen, size = count['objects'], SIZES[kind]
        tester.send(make_camera_info(stamp, size), '/camera_info')
        if depth_stamp is not None:
            tester.send(make_depth(depth_stamp, size=size), '/depth')
            sent, matching = sent + 1, matching + (depth_stamp == stamp)
        tester.send(make_image(pictures[kind], stamp))
        end = time.monotonic() + PATIENCE
        while count['objects'] == seen and time.monotonic() < end:
            tester.executor.spin_once(timeout_sec=0.02)
        if index == int(WARM_UP * COUNT):
            memory = resident(node.process)
    tester.spin(1.5)
    assert count['instances'] >= 0.98 * COUNT
    for topic in ('objects', 'objects/points', 'markers'):
        assert count[topic] == count['instances'], topic
    assert 0.8 * matching <= count['with objects'] <= matching
    removals = count_removals(reports)
    assert removals['published'] == count['removed/depth'] >= 0.9 * matching
    assert 0.98 * sent <= sum(removals.values()) <= sent
    assert resident(node.process) < 1.02 * memory
