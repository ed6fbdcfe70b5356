"""Depth is received while somebody needs it, and not read before it is wanted."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')

from depth_messages import SIZE, make_camera_info, make_depth, set_header
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from yolact_ros import deserialization
from yolact_ros.images.serialized import read_image
from yolact_ros.node.depth import depth as depth_module
from yolact_ros.node.depth.depth import DepthInput
from yolact_ros.node.depth.settings import DepthSettings
from yolact_ros.node.depth.transforms import Transforms

S = 10**9
DEPTH, INFO = '/front/depth', '/front/camera_info'
PROFILES = [
    QoSProfile(depth=1, reliability=reliability, durability=durability)
    for reliability in (ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE)
    for durability in (DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL)
]


@pytest.fixture
def listen(tester):
    """Make depth inputs, which are switched off after the test."""
    made = []

    def make(*, camera='front', image_topic='/front/image', is_compressed=False):
        transforms = Transforms(tester.node)
        made.append(
            DepthInput(tester.node, camera, image_topic, transforms, is_compressed=is_compressed)
        )
        return made[-1]

    yield make
    for depth in made:
        depth.switch(has_depth=False, has_camera_info=False)


@pytest.fixture
def depth(listen):
    return listen()


@pytest.fixture
def find(tester):
    """Return what belongs to an image, and what is complained of."""

    def look(depth, stamp=1.0, frame_id='camera', size=SIZE, settings=None):
        settings = settings or DepthSettings()
        tester.spin(0.1)
        found = depth.find(set_header(Image(), stamp, frame_id).header, size, settings)
        return found, depth.report(settings).tally.complaint

    return look


def count(tester, topic):
    return tester.node.count_subscribers(topic)


def send(tester, depth, info):
    tester.send(info, INFO)
    tester.send(depth, DEPTH)


def metres(space):
    return space.depth.crop(0, 0, *SIZE)[0, 0]


def test_nothing_is_subscribed_until_it_is_needed(tester, depth):
    assert (depth.topic, depth.camera_info.topic) == (DEPTH, INFO)
    assert count(tester, DEPTH) == count(tester, INFO) == 0
    depth.switch(has_depth=False, has_camera_info=True)
    tester.until(lambda: count(tester, INFO) == 1, 'calibration is subscribed')
    assert count(tester, DEPTH) == 0
    depth.switch(has_depth=True, has_camera_info=True)
    tester.until(lambda: count(tester, DEPTH) == 1, 'depth is subscribed')
    depth.switch(has_depth=False, has_camera_info=False)
    tester.until(lambda: count(tester, DEPTH) == 0, 'depth is left alone')
    tester.until(lambda: count(tester, INFO) == 0, 'so is calibration')


@pytest.mark.filterwarnings('ignore:Deprecated in favor of:DeprecationWarning')
@pytest.mark.parametrize('qos', PROFILES)
def test_it_connects_to_every_publisher(tester, depth, qos):
    depth.switch(has_depth=True, has_camera_info=True)
    for topic, kind in ((DEPTH, Image), (INFO, CameraInfo)):
        publisher = tester.node.create_publisher(kind, topic, qos)
        tester.until(
            lambda publisher=publisher: publisher.get_subscription_count() == 1, 'they connect'
        )
        tester.node.destroy_publisher(publisher)


LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def test_a_calibration_that_was_published_once_before_is_heard(tester, depth):
    publisher = tester.node.create_publisher(CameraInfo, INFO, LATCHED)
    publisher.publish(make_camera_info(3.0))
    tester.until(lambda: tester.node.count_publishers(INFO) == 1, 'it is seen')
    depth.switch(has_depth=True, has_camera_info=True)
    info = tester.until(depth.camera_info.message, 'it is heard')
    assert info.header.stamp.sec == 3
    tester.node.destroy_publisher(publisher)


def test_publishers_that_come_later_are_heard_too_whatever_they_keep(tester, depth):
    depth.switch(has_depth=True, has_camera_info=True)

    def hears(stamp):
        depth.camera_info.adapt()  # as with each report
        info = depth.camera_info.message()
        return info is not None and info.header.stamp.sec == stamp

    for stamp, qos in ((4, LATCHED), (5, PROFILES[0]), (6, LATCHED)):
        publisher = tester.node.create_publisher(CameraInfo, INFO, qos)
        if qos is LATCHED:  # it says so once only
            publisher.publish(make_camera_info(stamp))
            tester.until(lambda stamp=stamp: hears(stamp), 'what was said once is heard')
        else:
            tester.until(
                lambda stamp=stamp, publisher=publisher: (
                    publisher.publish(make_camera_info(stamp)) or hears(stamp)
                ),
                'the stream is heard',
            )
        tester.node.destroy_publisher(publisher)
        tester.until(lambda: tester.node.count_publishers(INFO) == 0, 'it is gone')
        depth.camera_info.adapt()


def test_messages_wait_without_being_read_until_an_image_asks_for_them(
    tester, depth, find, monkeypatch
):
    read = []
    deserialize = deserialization.deserialize_message
    monkeypatch.setattr(
        deserialization, 'deserialize_message', lambda *of: read.append(of) or deserialize(*of)
    )
    monkeypatch.setattr(
        depth_module, 'read_image', lambda data: read.append(data) or read_image(data)
    )
    depth.switch(has_depth=True, has_camera_info=True)
    for stamp in (1.0, 1.1, 1.2):
        send(tester, make_depth(stamp), make_camera_info(stamp))
    tester.spin(0.2)
    assert read == []
    space, _ = find(depth, 1.1)
    assert metres(space) == pytest.approx(2.0)
    assert len(read) == 2  # one depth image and one calibration


def test_every_depth_image_is_also_handed_to_who_asks_for_it(tester, depth):
    handed = []
    depth.consumers.append(lambda stamp, data: handed.append((stamp, read_image(data))))
    depth.switch(has_depth=True, has_camera_info=False)
    for stamp in (3, 4):
        tester.send(make_depth(stamp, frame_id=f'at {stamp}'), DEPTH)
        tester.until(lambda: handed, 'it is handed on')
        ((found, image),) = handed
        assert (found, image.header.frame_id) == (stamp * S, f'at {stamp}')
        handed.clear()


def test_what_is_not_needed_any_more_is_forgotten(tester, depth, find):
    depth.switch(has_depth=True, has_camera_info=True)
    send(tester, make_depth(), make_camera_info())
    assert find(depth)[0]
    depth.switch(has_depth=False, has_camera_info=False)
    assert find(depth) == (None, '')
    depth.switch(has_depth=True, has_camera_info=True)
    assert find(depth) == (None, 'depth must come for images to have any, got none yet')


def test_the_newest_calibration_is_read_once_and_its_rays_are_made_once(tester, depth, find):
    assert depth.camera_info.message() is None
    depth.switch(has_depth=True, has_camera_info=True)
    send(tester, make_depth(1.0), make_camera_info(1.0))
    first, _ = find(depth, 1.0)
    assert depth.camera_info.message() is depth.camera_info.message()
    send(tester, make_depth(2.0), make_camera_info(2.0))
    second, _ = find(depth, 2.0)
    assert depth.camera_info.message().header.stamp.sec == 2
    assert second.rays is first.rays
    send(tester, make_depth(3.0), make_camera_info(3.0, focal=200.0))
    third, _ = find(depth, 3.0)
    np.testing.assert_allclose(third.rays.table, first.rays.table / 2)


@pytest.mark.parametrize(
    ('encoding', 'values', 'numbers'),
    [('16UC1', 2000, (0.0, 0.0)), ('32FC1', 60, (100.0, 10.0))],  # 2 m = 100 / (60 - 10)
)
def test_compressed_depth_has_a_topic_of_its_own(tester, listen, find, encoding, values, numbers):
    depth = listen(is_compressed=True)
    assert depth.topic == f'{DEPTH}/compressedDepth'
    depth.switch(has_depth=True, has_camera_info=True)
    tester.send(make_camera_info(), INFO)
    _, png = cv2.imencode('.png', np.full(SIZE, values, np.uint16))
    message = set_header(CompressedImage(format=f'{encoding}; compressedDepth'), 1.0, 'camera')
    message.data.frombytes(struct.pack('<iff', 0, *numbers) + png.tobytes())
    tester.send(message, depth.topic)
    assert metres(find(depth)[0]) == pytest.approx(2.0)


@pytest.mark.parametrize('encoding', ['16UC1', 'mono16', '32FC1'])
def test_the_unit_comes_from_the_encoding(tester, depth, find, encoding):
    depth.switch(has_depth=True, has_camera_info=True)
    send(tester, make_depth(encoding=encoding), make_camera_info())
    assert metres(find(depth)[0]) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ('wrong_depth', 'wrong_info', 'words'),
    [
        (
            {'size': (48, 64)},
            {},
            'depth on /front/depth must be as large as the image, 128 x 96, got 64 x 48',
        ),
        (
            {'frame_id': 'depth'},
            {},
            "depth on /front/depth must be registered to the image, in frame 'camera', got frame "
            "'depth'",
        ),
        (
            {'stamp': 0.9},
            {},
            'depth must have the stamp of the image, the nearest is 100.0 ms away',
        ),
        (
            {},
            {'focal': 0.0},
            'calibration on /front/camera_info does not fit: focal lengths in the camera matrix '
            'must be above 0, got 0 and 0: the camera is not calibrated',
        ),
        (
            {},
            {'size': (48, 64)},
            'calibration on /front/camera_info does not fit: camera info must be for images of '
            '128 x 96, got 64 x 48',
        ),
        (
            {},
            {'frame_id': 'depth'},
            "calibration on /front/camera_info must be that of the image, of frame 'camera', got "
            "frame 'depth'",
        ),
    ],
)
def test_what_does_not_fit_is_told_in_words(tester, depth, find, wrong_depth, wrong_info, words):
    depth.switch(has_depth=True, has_camera_info=True)
    send(tester, make_depth(**wrong_depth), make_camera_info(**wrong_info))
    assert find(depth) == (None, words)
    send(tester, make_depth(2.0), make_camera_info(2.0))
    assert find(depth, 2.0)[0]


def test_depth_that_comes_too_late_is_told(tester, depth):
    depth.switch(has_depth=True, has_camera_info=True)
    send(tester, make_depth(0.9), make_camera_info())
    tester.spin(0.1)
    header = set_header(Image(), 1.0, 'camera').header
    assert depth.find(header, SIZE, DepthSettings()) is None
    tester.send(make_depth(1.0), DEPTH)
    tester.spin(0.1)
    tally = depth.report(DepthSettings()).tally
    assert (tally.without, tally.late) == (1, 1)
    assert 0 < tally.delay < 1


def test_calibration_that_does_not_come_is_told(tester, depth, find):
    depth.switch(has_depth=True, has_camera_info=True)
    tester.send(make_depth(), DEPTH)
    assert find(depth) == (None, 'calibration must come on /front/camera_info, got none yet')


def test_depth_that_cannot_be_read_is_told(tester, depth, find):
    depth.switch(has_depth=True, has_camera_info=True)
    message = make_depth()
    message.encoding = 'rgb8'
    send(tester, message, make_camera_info())
    found, complaint = find(depth)
    assert found is None
    assert complaint.startswith('depth on /front/depth cannot be read: depth must be encoded as')


@pytest.mark.parametrize(
    ('rectified', 'topic', 'expected'),
    [
        ('auto', '/camera/image_raw', False),
        ('auto', '/camera/image_rect', True),
        ('auto', '/camera/image_rect_color', True),
        ('auto', '/camera_rectified/image', True),
        ('auto', '/direct/correct_rectangle/image', False),
        ('yes', '/camera/image_raw', True),
        ('no', '/camera/image_rect', False),
    ],
)
def test_rectified_images_are_known_by_the_name_of_their_topic(rectified, topic, expected):
    assert DepthSettings(rectified=rectified).is_rectified(topic) is expected


def test_rectified_images_have_the_rays_of_the_projection_matrix(tester, listen, find):
    depth = listen(image_topic='/front/image_rect')
    depth.switch(has_depth=True, has_camera_info=True)
    info = make_camera_info()
    info.p = [50.0, 0.0, 63.5, 0.0, 0.0, 50.0, 47.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    send(tester, make_depth(), info)
    assert find(depth)[0].rays.table[0, 0, 0] == pytest.approx(-63.5 / 50)
    raw = find(depth, settings=DepthSettings(rectified='no'))[0]
    assert raw.rays.table[0, 0, 0] == pytest.approx(-63.5 / 100)
