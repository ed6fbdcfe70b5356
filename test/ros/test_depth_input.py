"""Depth is received while somebody needs it, and not read before it is wanted."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from yolact_ros import deserialization
from yolact_ros.images.serialized import read_image
from yolact_ros.node.depth.depth import DepthInput

S = 10**9
PROFILES = [
    QoSProfile(depth=1, reliability=reliability, durability=durability)
    for reliability in (ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE)
    for durability in (DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL)
]


def make_depth(stamp, kind=Image):
    message = kind()
    message.header.stamp.sec = stamp
    message.header.frame_id = f'at {stamp}'
    return message


@pytest.fixture
def depth(tester):
    made = DepthInput(tester.node, 'front', is_compressed=False)
    yield made
    made.switch(has_depth=False, has_camera_info=False)


def count(tester, topic):
    return tester.node.count_subscribers(topic)


def test_nothing_is_subscribed_until_it_is_needed(tester, depth):
    assert (depth.topic, depth.camera_info.topic) == ('/front/depth', '/front/camera_info')
    assert count(tester, '/front/depth') == count(tester, '/front/camera_info') == 0
    depth.switch(has_depth=False, has_camera_info=True)
    tester.until(lambda: count(tester, '/front/camera_info') == 1, 'calibration is subscribed')
    assert count(tester, '/front/depth') == 0
    depth.switch(has_depth=True, has_camera_info=True)
    tester.until(lambda: count(tester, '/front/depth') == 1, 'depth is subscribed')
    depth.switch(has_depth=False, has_camera_info=False)
    tester.until(lambda: count(tester, '/front/depth') == 0, 'depth is left alone')
    tester.until(lambda: count(tester, '/front/camera_info') == 0, 'so is calibration')


@pytest.mark.filterwarnings('ignore:Deprecated in favor of:DeprecationWarning')
@pytest.mark.parametrize('qos', PROFILES)
def test_it_connects_to_every_publisher(tester, depth, qos):
    depth.switch(has_depth=True, has_camera_info=True)
    for topic, kind in (('/front/depth', Image), ('/front/camera_info', CameraInfo)):
        publisher = tester.node.create_publisher(kind, topic, qos)
        tester.until(
            lambda publisher=publisher: publisher.get_subscription_count() == 1, 'they connect'
        )
        tester.node.destroy_publisher(publisher)


def test_messages_wait_by_their_stamps_without_being_read(tester, depth, monkeypatch):
    read = []
    monkeypatch.setattr(deserialization, 'deserialize_message', lambda *of: read.append(of))
    depth.switch(has_depth=True, has_camera_info=True)
    for topic, kind in (('/front/depth', Image), ('/front/camera_info', CameraInfo)):
        tester.send(make_depth(7, kind), topic)
    data = tester.until(lambda: depth.find(7 * S), 'depth comes')
    tester.spin(0.1)
    assert read_image(data).header.frame_id == 'at 7'
    assert depth.find(8 * S) is None
    assert read == []


def test_every_depth_image_is_also_handed_to_who_asks_for_it(tester, depth):
    handed = []
    depth.consumers.append(lambda stamp, data: handed.append((stamp, read_image(data))))
    depth.switch(has_depth=True, has_camera_info=False)
    for stamp in (3, 4):
        tester.send(make_depth(stamp), '/front/depth')
        tester.until(lambda: handed, 'it is handed on')
        ((found, image),) = handed
        assert (found, image.header.frame_id) == (stamp * S, f'at {stamp}')
        handed.clear()


def test_what_is_not_needed_any_more_is_forgotten(tester, depth):
    depth.switch(has_depth=True, has_camera_info=False)
    tester.send(make_depth(5), '/front/depth')
    tester.until(lambda: depth.find(5 * S), 'depth comes')
    depth.switch(has_depth=False, has_camera_info=False)
    assert depth.find(5 * S) is None


def test_the_newest_camera_info_is_read_once(tester, depth):
    assert depth.camera_info.message() is None
    depth.switch(has_depth=False, has_camera_info=True)
    tester.send(make_depth(1, CameraInfo), '/front/camera_info')
    info = tester.until(depth.camera_info.message, 'calibration comes')
    assert depth.camera_info.message() is info
    tester.send(make_depth(2, CameraInfo), '/front/camera_info')
    tester.until(lambda: depth.camera_info.message().header.frame_id == 'at 2', 'a newer one')


def test_compressed_depth_has_a_topic_of_its_own(tester):
    made = DepthInput(tester.node, '', is_compressed=True)
    assert made.topic == '/depth/compressedDepth'
    made.switch(has_depth=True, has_camera_info=False)
    tester.send(make_depth(7, CompressedImage), '/depth/compressedDepth')
    tester.until(lambda: made.find(7 * S), 'depth comes')
    made.switch(has_depth=False, has_camera_info=False)
