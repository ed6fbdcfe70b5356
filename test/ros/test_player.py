"""A real player in its own process, heard from this one."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('rosbags', reason='needs rosbags: pip install rosbags')

from playing import (
    CALIBRATION,
    START,
    finish,
    hear,
    make_image,
    make_info,
    make_jpeg,
    playing,
    stop,
    write_bag,
)
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String

from yolact_core.media.video_writing import write_video

PROFILE = Path(__file__).parents[2] / 'config' / 'fastdds.xml'
MANY = QoSProfile(depth=200)
MANY_BEST_EFFORT = QoSProfile(depth=200, reliability=ReliabilityPolicy.BEST_EFFORT)
WAIT = ('--wait', '20')


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp('clips') / 'clip.mp4'
    with write_video(path, 25.0) as add:
        for index in range(20):
            add(np.full((48, 64, 3), 10 * index, np.uint8))
    return path


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    times = [index / 20 for index in range(10)]
    return write_bag(
        tmp_path_factory.mktemp('bags') / 'bag',
        {
            '/cam/image_raw': [(at, make_image(index)) for index, at in enumerate(times)],
            '/cam/camera_info': [(at, make_info(index)) for index, at in enumerate(times)],
            '/words': [(0.2, String(data='hello'))],
        },
    )


def inside(namespace):
    return '--ros-args', '-r', f'__ns:=/{namespace}'


def time_of(stamp):
    return stamp.sec * 10**9 + stamp.nanosec


def stamps_of(messages):
    return [time_of(message.header.stamp) for message in messages]


def test_a_video_comes_as_a_camera(domain, tester, clip):
    with playing(domain, clip, *WAIT, '--fov', 60, *inside('video')) as player:
        infos = hear(tester.node, '/video/camera_info', CameraInfo, MANY)
        images = hear(tester.node, '/video/image', Image, MANY)
        tester.until(lambda: len(images) == len(infos) == 20, 'all images have come')
        status, output, errors = finish(player)
    assert (status, errors) == (0, '')
    assert output.startswith('published 20 images on /video/image at 2')
    assert stamps_of(images) == stamps_of(infos)
    assert {(image.width, image.height, image.encoding) for image in images} == {(64, 48, 'rgb8')}
    assert {info.header.frame_id for info in infos} == {'camera'}
    assert all(info.k[0] == pytest.approx(32 / np.tan(np.pi / 6)) for info in infos)
    brightness = [int(image.data[0]) for image in images]
    assert brightness == pytest.approx([10 * index for index in range(20)], abs=6)


def test_the_rate_does_not_drift(domain, tester, clip):
    with playing(domain, clip, *WAIT, '--rate', 50, '--loop', *inside('steady')) as player:
        images = hear(tester.node, '/steady/image', Image, MANY)
        tester.until(lambda: len(images) >= 100, 'five rounds have come')
        stop(player, signal.SIGTERM)
    stamps = np.array(stamps_of(images[:100]))
    ideal = np.arange(100) * 2e7
    # An image may be late on a busy machine; the best of the last are as well on time as the
    # best of the first.
    delays = (stamps - stamps[0] - ideal) / 1e6
    assert abs(delays[-30:].min() - delays[:30].min()) < 5


def test_compressed_images_are_published_beside_the_remapped_base(domain, tester, clip):
    words = ('--transport', 'compressed', '--ros-args', '-r', 'image:=/front/image_raw')
    with playing(domain, clip, *WAIT, *words) as player:
        infos = hear(tester.node, '/front/camera_info', CameraInfo, MANY)
        images = hear(tester.node, '/front/image_raw/compressed', CompressedImage, MANY)
        tester.until(lambda: len(images) == len(infos) == 20, 'all images have come')
        assert finish(player)[0] == 0
    assert stamps_of(images) == stamps_of(infos)
    assert all('jpeg' in image.format for image in images)
    assert infos[0].width == 64
    assert infos[0].k[0] == 0  # not calibrated


@pytest.mark.parametrize('qos', ['reliable', 'best-effort'])
def test_the_quality_of_service_is_as_asked_for(domain, tester, clip, qos):
    topic = f'/{qos.replace("-", "_")}/image'
    with playing(domain, clip, '--loop', '--qos', qos, '--ros-args', '-r', f'image:={topic}'):
        tester.listen(topic, Image, MANY_BEST_EFFORT)
        (publisher,) = tester.node.get_publishers_info_by_topic(topic)
    assert publisher.qos_profile.reliability.name == qos.upper().replace('-', '_')


def test_quality_of_service_can_be_overridden_as_usual(domain, tester, clip):
    override = 'qos_overrides./override/image.publisher.reliability:=best_effort'
    words = ('--ros-args', '-r', 'image:=/override/image', '-p', override)
    with playing(domain, clip, '--loop', *words):
        tester.listen('/override/image', Image, MANY_BEST_EFFORT)
        (publisher,) = tester.node.get_publishers_info_by_topic('/override/image')
    assert publisher.qos_profile.reliability is ReliabilityPolicy.BEST_EFFORT


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(domain, tester, bag, number):
    topic = f'/{number.name.lower()}/image'
    words = ('--loop', '--as-camera', '--ros-args', '-r', f'image:={topic}')
    with playing(domain, bag, *words) as player:
        images = hear(tester.node, topic, Image, MANY)
        tester.until(lambda: len(images) > 12, 'the second round has begun')
        assert stop(player, number) < 1
        status, output, errors = finish(player)
    assert (status, errors) == (0, '')
    assert output.startswith('published ')
    assert re.search(rf'on {topic} at (19\.|20\.)', output)


def test_a_signal_ends_the_wait_for_subscribers(domain, tester, bag):
    with playing(domain, bag, '--wait', 60, '--ros-args', '-r', '__node:=patient') as player:
        tester.until(lambda: 'patient' in tester.node.get_node_names(), 'the player waits')
        assert stop(player, signal.SIGINT) < 1
        assert finish(player) == (0, '', '')


def test_a_bag_comes_as_recorded(domain, tester, bag):
    with playing(domain, bag, *WAIT, '--stamps', 'recorded') as player:
        infos = hear(tester.node, '/cam/camera_info', CameraInfo, MANY)
        images = hear(tester.node, '/cam/image_raw', Image, MANY)
        tester.until(lambda: len(images) == len(infos) == 10, 'all images have come')
        assert finish(player)[0] == 0
    assert images == [make_image(index) for index in range(10)]
    assert infos == [make_info(index) for index in range(10)]


def test_new_stamps_are_of_now_and_still_match(domain, tester, bag):
    with playing(
        domain, bag, *WAIT, '--as-camera', '--frame-id', 'eye', *inside('fresh')
    ) as player:
        infos = hear(tester.node, '/fresh/camera_info', CameraInfo, MANY)
        images = hear(tester.node, '/fresh/image', Image, MANY)
        before = tester.node.get_clock().now().nanoseconds
        tester.until(lambda: len(images) == len(infos) == 10, 'all images have come')
        after = tester.node.get_clock().now().nanoseconds
        assert finish(player)[0] == 0
    stamps = stamps_of(images)
    assert stamps == stamps_of(infos)
    assert before - 10**9 < stamps[0] < stamps[-1] < after
    assert np.diff(stamps).mean() == pytest.approx(5e7, rel=0.1)
    assert {image.header.frame_id for image in [*images, *infos]} == {'eye'}


def test_the_camera_info_of_a_remapped_image_follows_it(domain, tester, bag):
    words = ('--ros-args', '-r', '/cam/image_raw:=/moved/image')
    with playing(domain, bag, *WAIT, *words) as player:
        infos = hear(tester.node, '/moved/camera_info', CameraInfo, MANY)
        images = hear(tester.node, '/moved/image', Image, MANY)
        tester.until(lambda: len(images) == len(infos) == 10, 'all images have come')
        assert finish(player)[0] == 0


def test_the_clock_is_that_of_the_bag_and_never_behind_an_image(domain, tester, bag):
    with playing(domain, bag, *WAIT, '--as-camera', '--clock', *inside('timed')) as player:
        clocks = hear(tester.node, '/clock', Clock, MANY)
        images = hear(tester.node, '/timed/image', Image, MANY)
        tester.until(lambda: len(images) == 10, 'all images have come')
        last = START + 9 * 50_000_000
        tester.until(lambda: time_of(clocks[-1].clock) >= last, 'the clock has come as far')
        assert finish(player)[0] == 0
    times = [time_of(clock.clock) - START for clock in clocks]
    assert times == sorted(times)
    assert {round(index * 5e7) for index in range(10)} <= set(times)
    assert len(times) > 20  # steps in between
    assert max(times) == 45 * 10**7
    assert stamps_of(images) == [START + index * 10**8 for index in range(10)]


def test_chosen_topics_of_any_type_are_played(domain, tester, bag):
    with playing(domain, bag, '--topics', '/words', '--loop') as player:
        words = hear(tester.node, '/words', String, MANY)
        tester.until(lambda: words, 'words have come')
        assert stop(player, signal.SIGINT) < 1
    assert words[0].data == 'hello'


def test_compressed_images_of_a_bag_become_raw_ones(domain, tester, tmp_path):
    times = [(index / 20, make_jpeg(10 * index)) for index in range(5)]
    path = write_bag(tmp_path / 'bag', {'/far/image/compressed': times}, 'sqlite3')
    words = ('--transport', 'raw', '--as-camera', '--fov', '90')
    with playing(domain, path, *WAIT, *words, *inside('unpacked')) as player:
        infos = hear(tester.node, '/unpacked/camera_info', CameraInfo, MANY)
        images = hear(tester.node, '/unpacked/image', Image, MANY)
        tester.until(lambda: len(images) == len(infos) == 5, 'all images have come')
        assert finish(player)[0] == 0
    assert [image.data[0] for image in images] == pytest.approx([0, 10, 20, 30, 40], abs=2)
    assert infos[0].k[0] == pytest.approx(32)
    assert images[0].header.frame_id == 'lens'


def test_depth_of_a_bag_comes_as_recorded_beside_the_camera(domain, tester, tmp_path):
    depth = CompressedImage(format='16UC1; compressedDepth png', data=[1, 2, 3])
    depth.header.frame_id = 'lens'
    topics = {
        '/far/image/compressed': [(0.0, make_jpeg(0)), (0.1, make_jpeg(1))],
        '/far/depth/compressedDepth': [(0.0, depth)],
    }
    path = write_bag(tmp_path / 'bag', topics)
    words = ('--transport', 'raw', '--as-camera', '--frame-id', 'eye', '--topics', *topics)
    with playing(domain, path, *WAIT, *words, *inside('deep')) as player:
        heard = hear(tester.node, '/deep/depth/compressedDepth', CompressedImage, MANY)
        images = hear(tester.node, '/deep/image', Image, MANY)
        tester.until(lambda: len(images) == 2 and heard, 'image and depth have come')
        status, _, errors = finish(player)
    assert (status, errors) == (0, '')
    assert (heard[0].format, list(heard[0].data)) == (depth.format, [1, 2, 3])
    assert heard[0].header.frame_id == images[0].header.frame_id == 'eye'


def test_a_calibration_that_was_latched_when_it_was_recorded_is_latched(domain, tester, tmp_path):
    topics = {
        '/late/image_raw': [(index / 10, make_image(index)) for index in range(20)],
        '/late/camera_info': [(0.0, make_info(7))],
    }
    path = write_bag(tmp_path / 'bag', topics, latched=['/late/camera_info'])
    with playing(domain, path, *WAIT) as player:
        images = hear(tester.node, '/late/image_raw', Image, MANY)
        tester.until(lambda: images, 'the calibration is out')
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        infos = hear(tester.node, '/late/camera_info', CameraInfo, latched)
        tester.until(lambda: infos, 'who comes late gets it')
        assert stop(player, signal.SIGINT) < 2


def test_images_that_do_not_fit_the_calibration_end_it(domain, tmp_path, bag):

    path = tmp_path / 'camera.yaml'
    path.write_text(yaml.safe_dump(CALIBRATION))
    with playing(domain, bag, '--camera-info', path) as player:
        status, _, errors = finish(player)
    assert status == 2
    assert 'images must have the size of the camera info, 640x480, got 64x48' in errors


def test_large_images_arrive_without_loss_by_the_shipped_profile(domain, tester, tmp_path):
    with write_video(tmp_path / 'large.mp4', 30) as add:
        for index in range(60):
            add(np.full((720, 1280, 3), index, np.uint8))
    words = ('--qos', 'best-effort', '--stamps', 'recorded', '--ros-args', '-r', '__ns:=/large')
    profile = {'FASTDDS_DEFAULT_PROFILES_FILE': str(PROFILE)}
    with playing(domain, tmp_path, *WAIT, *words, **profile) as player:
        images = hear(tester.node, '/large/image', Image, MANY_BEST_EFFORT)
        tester.until(lambda: len(images) == 60, 'all images have come')
        assert finish(player)[0] == 0
    assert np.diff(stamps_of(images)) == pytest.approx(1e9 / 30, abs=2)


@pytest.mark.parametrize(
    ('words', 'text'),
    [
        (
            ['missing.mp4'],
            "source must be a bag, a video, an image or a folder, got 'missing.mp4'",
        ),
        (['{bag}', '{bag}'], 'a bag must be the only source, got 2 sources'),
        (['{bag}', '--topics', '/nope'], "topic must be one of .*/cam/image_raw .*'/nope'"),
        (['{bag}', '--topics', '/words', '--as-camera'], 'must have one topic of images.*: none'),
        (['{clip}', '--topics', '/image'], 'topics must be those of a bag'),
        (['{clip}', '--camera-info', 'nope.yaml'], 'nope.yaml must be a readable YAML file'),
        (['{clip}', '--ros-args', '-r'], 'arguments and environment must be as ROS has them'),
        (['{clip}', '--rate', '0'], "argument --rate: must be above 0 and at most 1000, got '0'"),
        (['{clip}', '--rate', '2', '--speed', '2'], 'not allowed with argument'),
        (['{clip}', '--jpeg-quality', '101'], "must be 1 to 100, got '101'"),
        ([], 'the following arguments are required: SOURCE'),
    ],
)
def test_bad_input_ends_it_with_one_sentence(domain, clip, bag, words, text):
    filled = [word.format(clip=clip, bag=bag) for word in words]
    with playing(domain, *filled) as player:
        status, output, errors = finish(player)
    assert (status, output) == (2, '')
    last = errors.strip().splitlines()[-1]
    assert last.startswith('yolact_player: error: ')
    assert re.search(text, last)
