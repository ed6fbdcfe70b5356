"""What a node survives: floods, broken images, odd stamps, cameras that fall silent."""

import statistics
import time
from collections import Counter

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from sensor_msgs.msg import Image
from yolact.msg import InstanceArray, StageTiming

NAMES = ('left', 'right', 'rear')


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node()
    node.wait_for('listens to /image')
    return node


@pytest.fixture(scope='module')
def three_cameras(start_node):
    node = start_node('-r', '__ns:=/robot', cameras=list(NAMES), max_batch=2)
    node.wait_for('listens to /robot/left/image, /robot/right/image, /robot/rear/image')
    return node


def seconds(header):
    return header.stamp.sec + header.stamp.nanosec * 1e-9


def test_in_a_flood_the_answer_is_about_the_newest_image_and_never_late(node, tester, make_image):
    instances, arrivals = [], []
    tester.node.create_subscription(
        InstanceArray,
        '/yolact/instances',
        lambda found: (instances.append(found), arrivals.append(time.time())),
        10,
    )
    timings = tester.listen('/yolact/timing', StageTiming)
    tester.ask(make_image(), instances)
    message, began, count = make_image(), time.monotonic(), 600
    for index in range(count):  # 200 a second
        tester.spin(max(0.0, began + index / 200 - time.monotonic()))
        now = time.time()
        message.header.stamp.sec, message.header.stamp.nanosec = int(now), int(now % 1 * 1e9)
        tester.send(message)
    tester.spin(1.0)
    latencies = [
        arrived - seconds(found.header)
        for found, arrived in zip(instances, arrivals, strict=True)
        if found.header.stamp.sec
    ]
    work = [timing.total - timing.wait for timing in timings]
    assert len(latencies) >= 10
    assert statistics.median(timing.wait for timing in timings) < 0.015
    assert statistics.median(latencies) < statistics.median(work) + 0.05
    early, late = latencies[: len(latencies) // 3], latencies[-len(latencies) // 3 :]
    assert statistics.median(late) < 2 * statistics.median(early) + 0.05
    last = timings[-1]
    assert last.dropped_busy > 100
    assert last.received == last.processed + last.dropped_busy
    assert len({seconds(found.header) for found in instances}) == len(instances)


BROKEN = {
    'no pixels': {'height': 0, 'width': 0, 'data': []},
    'no width': {'width': 0},
    'less data than step x height': {'data': [0] * 100},
    'step shorter than a row': {'step': 10},
    'step longer than the data': {'step': 100_000},
    'an encoding of nobody': {'encoding': 'plaid8'},
    'no encoding': {'encoding': ''},
    'an encoding that needs more bytes': {'encoding': 'rgba16'},
}


@pytest.mark.parametrize('fields', BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_image_is_counted_and_the_next_one_is_processed(node, tester, make_image, fields):
    timings = tester.listen('/yolact/timing', StageTiming)
    before = tester.ask(make_image(), timings)
    timings.clear()
    broken = make_image(**fields)
    for _ in range(3):
        tester.send(broken)
        tester.spin(0.1)
    after = tester.ask(make_image(), timings)
    assert after.unreadable > before.unreadable
    assert after.failed == before.failed
    outcomes = ('processed', 'dropped_busy', 'dropped_stale', 'unreadable')
    assert after.received == sum(getattr(after, outcome) for outcome in outcomes)
    node.wait_for('skipped an image of /image: ')
    assert 'Traceback' not in node.log


def test_an_enormous_image_is_processed_or_counted(node, tester, make_image):
    timings = tester.listen('/yolact/timing', StageTiming)
    before = tester.ask(make_image(), timings)
    enormous = Image(height=8000, width=8000, step=8000, encoding='mono8')
    enormous.data.frombytes(bytes(8000 * 8000))
    tester.send(enormous)
    tester.spin(3.0)
    timings.clear()
    after = tester.ask(make_image(), timings)
    assert after.processed > before.processed


def test_images_of_changing_size_are_answered_in_their_own_size(node, tester, make_image):
    instances = tester.listen('/yolact/instances', InstanceArray)
    for height, width in ((1, 1), (3, 500), (480, 640), (7, 5)):
        instances.clear()
        rgb = np.full((height, width, 3), 99, np.uint8)
        found = tester.ask(make_image(rgb), instances)
        assert (found.image_height, found.image_width) == (height, width)


@pytest.mark.parametrize('stamp', [0.0, 4e9, 1.0], ids=['zero', 'future', 'long ago'])
def test_odd_stamps_are_processed_and_copied(node, tester, make_image, stamp):
    instances = tester.listen('/yolact/instances', InstanceArray)
    stamp = min(stamp, 2**31 - 1)
    assert tester.ask(make_image(stamp=stamp), instances).header.stamp.sec == int(stamp)


def test_old_images_are_dropped_and_counted_where_an_age_is_set(node, tester, make_image):
    timings = tester.listen('/yolact/timing', StageTiming)
    tester.set_parameters({'max_age': 0.5})
    for _ in range(3):
        tester.send(make_image(stamp=time.time() - 3))
        tester.spin(0.1)
    assert timings == []
    for stamp in (0.0, time.time(), time.time() + 100):  # age unknown, fresh, from the future
        timings.clear()
        tester.ask(make_image(stamp=stamp), timings)
    tester.set_parameters({'max_age': 0.0})
    assert timings[-1].dropped_stale >= 1


def test_a_bag_that_begins_anew_goes_on(node, tester, make_image):
    instances = tester.listen('/yolact/instances', InstanceArray)
    stamps = [100.0, 100.1, 100.2, 50.0, 50.1, 100.0]
    for stamp in stamps:
        instances.clear()
        assert seconds(tester.ask(make_image(stamp=stamp), instances).header) == stamp


def test_three_cameras_share_a_slow_model_evenly(three_cameras, tester, make_image):
    answers = {
        name: tester.listen(f'/robot/yolact/{name}/instances', InstanceArray) for name in NAMES
    }
    images = {name: make_image(frame_id=name) for name in NAMES}
    for name in NAMES:
        tester.ask(images[name], answers[name], f'/robot/{name}/image')
    for heard in answers.values():
        heard.clear()
    began = time.monotonic()
    for index in range(150):  # five seconds at 30 Hz
        tester.spin(max(0.0, began + index / 30 - time.monotonic()))
        for number, name in enumerate(NAMES):
            images[name].header.stamp.sec = 1000 * number + index
            tester.send(images[name], f'/robot/{name}/image')
    tester.spin(0.5)
    counts = {name: len(heard) for name, heard in answers.items()}
    mean = sum(counts.values()) / len(NAMES)
    assert mean >= 10
    assert all(abs(count - mean) <= 0.1 * mean + 1 for count in counts.values()), counts
    for number, name in enumerate(NAMES):
        stamps = [found.header.stamp.sec - 1000 * number for found in answers[name]]
        assert {found.header.frame_id for found in answers[name]} == {name}
        assert stamps == sorted(set(stamps))
        assert 0 <= min(stamps) <= max(stamps) < 150


def test_a_silent_and_a_broken_camera_hold_up_nobody(three_cameras, tester, make_image):
    heard = tester.listen('/robot/yolact/left/instances', InstanceArray)
    broken = make_image(encoding='plaid8')
    for _ in range(30):
        tester.send(broken, '/robot/right/image')
        tester.send(make_image(), '/robot/left/image')
        tester.spin(0.05)
    assert len(heard) >= 10
    assert Counter(found.header.frame_id for found in heard) == {'camera': len(heard)}
    assert 'Traceback' not in three_cameras.log


def test_a_camera_that_stops_and_returns_is_served_again(node, tester, make_image):
    instances = tester.listen('/yolact/instances', InstanceArray)
    tester.ask(make_image(), instances)
    tester.stop_sending('/image')
    tester.spin(2.5)
    instances.clear()
    tester.ask(make_image(), instances)
