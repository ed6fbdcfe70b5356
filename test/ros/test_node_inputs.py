"""What a real node reads: compressed images, and images in the time of a recording."""

import itertools

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')
pytest.importorskip('rosbags', reason='needs rosbags: pip install rosbags')

from playing import START, playing, write_bag
from playing import make_image as make_recorded
from sensor_msgs.msg import CompressedImage
from yolact.msg import InstanceArray, StageTiming

from yolact_core import Detector
from yolact_ros.images.decoding import compressed_to_rgb

FRONT = '/zipped/front/image_raw/compressed'
OUTCOMES = ('processed', 'dropped_busy', 'dropped_stale', 'unreadable', 'failed')
BEGIN = START // 10**9  # of the bag, seconds


@pytest.fixture(scope='module')
def zipped(start_node):
    node = start_node(
        *('-r', '__ns:=/zipped', '-r', 'image:=front/image_raw'), image_transport='compressed'
    )
    node.wait_for(f'listens to {FRONT}')
    return node


@pytest.fixture
def compress(photo):
    """Make compressed messages of the photo, which may be cut off."""

    def make(suffix, stamp=0, length=None):
        data = cv2.imencode(suffix, cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))[1].tobytes()
        form = f'rgb8; {suffix[1:].replace("jpg", "jpeg")} compressed bgr8'
        message = CompressedImage(format=form, data=data[:length])
        message.header.stamp.sec, message.header.frame_id = stamp, 'lens'
        return message

    return make


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_compressed_images_are_read(zipped, tester, tiny_model, compress, suffix):
    heard = tester.listen('/zipped/yolact/instances', InstanceArray)
    message = compress(suffix, stamp=5)
    found = tester.ask(message, heard, FRONT)
    detector = Detector.load(tiny_model, device='cpu', score_threshold=0.05)
    expected = detector(compressed_to_rgb(message))
    assert (found.header.stamp.sec, found.header.frame_id) == (5, 'lens')
    assert (found.image_height, found.image_width) == (96, 128)
    assert [one.mask.area for one in found.instances] == expected.masks.areas().tolist()
    assert len(found.instances) > 0


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_a_compressed_image_that_is_cut_off_is_counted(zipped, tester, compress, suffix):
    timings = tester.listen('/zipped/yolact/timing', StageTiming)
    before = tester.ask(compress(suffix), timings, FRONT)
    for _ in range(3):
        tester.send(compress(suffix, length=300), FRONT)
        tester.spin(0.1)
    timings.clear()
    after = tester.ask(compress(suffix), timings, FRONT)
    assert after.unreadable > before.unreadable
    assert after.failed == before.failed
    assert after.received == sum(getattr(after, outcome) for outcome in OUTCOMES)
    zipped.wait_for('compressed image must be whole, but the end is missing after 300 bytes')


@pytest.fixture(scope='module')
def simulated(start_node):
    node = start_node('-r', '__ns:=/simulated', use_sim_time=True, max_age=0.5)
    node.wait_for('listens to /simulated/image')
    return node


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    images = [(index / 10, make_recorded(index)) for index in range(20)]
    return write_bag(tmp_path_factory.mktemp('bags') / 'bag', {'/image': images})


@pytest.fixture
def play(domain, bag, simulated):
    """Play the bag of the past round and round, with its time."""
    words = (
        '--loop',
        '--clock',
        '--as-camera',
        '--wait',
        20,
        '--ros-args',
        '-r',
        '__ns:=/simulated',
    )
    with playing(domain, bag, *words) as player:
        yield player


def stamps_of(messages):
    return [one.header.stamp.sec + one.header.stamp.nanosec * 1e-9 for one in messages]


def test_in_simulated_time_a_recording_of_years_ago_is_fresh(play, tester):
    timings = tester.listen('/simulated/yolact/timing', StageTiming)
    tester.until(lambda: len(timings) >= 10, 'images are processed')
    ages = [timing.age_at_receive for timing in timings]
    assert np.abs(np.median(ages)) < 0.2
    assert BEGIN <= min(stamps_of(timings)) <= max(stamps_of(timings)) < BEGIN + 2


def test_a_recording_that_begins_anew_goes_on_in_simulated_time(play, tester):
    timings = tester.listen('/simulated/yolact/timing', StageTiming)

    def jumps():
        stamps = stamps_of(timings)
        return sum(later < earlier for earlier, later in itertools.pairwise(stamps))

    tester.until(lambda: jumps() >= 2, 'the third round has begun')
    stamps = stamps_of(timings)
    rounds = np.split(stamps, 1 + np.flatnonzero(np.diff(stamps) < 0))
    assert len(rounds[1]) >= 10  # of 20: a busy machine may drop some
    assert rounds[1][0] < BEGIN + 0.5
    assert rounds[1][-1] > BEGIN + 1.5


def test_what_is_old_in_simulated_time_is_dropped(play, tester, make_image):
    timings = tester.listen('/simulated/yolact/timing', StageTiming)
    before = tester.until(lambda: timings, 'an image is processed')[-1]
    for _ in range(10):
        tester.send(make_image(stamp=BEGIN - 60.0), '/simulated/image')
        tester.spin(0.15)
    timings.clear()
    after = tester.until(lambda: timings, 'another image is processed')[-1]
    assert after.dropped_stale > before.dropped_stale
    assert min(stamps_of(timings)) >= BEGIN
