"""Objects in space from a real node: what comes out, and what goes on where depth does not fit."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from depth_messages import FOCAL, SIZE, make_camera_info, make_depth
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from visualization_msgs.msg import Marker, MarkerArray
from yolact.msg import InstanceArray, ObjectArray

from yolact_ros.masks import to_full_size

CENTRE = np.array([(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2])
ROBOT = '/robot/front'
FAKE_TF = """
import sys, types
from importlib.machinery import ModuleSpec

class TransformException(Exception):
    pass

class Buffer:
    def __init__(self):
        self.known = {}
    def lookup_transform(self, target, source, time):
        try:
            return self.known[target, source, time.nanoseconds]
        except KeyError:
            raise TransformException('extrapolation into the future') from None

class TransformListener:
    def __init__(self, buffer, node):
        from geometry_msgs.msg import TransformStamped
        def add(message):
            stamp = message.header.stamp
            moment = stamp.sec * 10**9 + stamp.nanosec
            buffer.known[message.header.frame_id, message.child_frame_id, moment] = message
        self.node = node
        self.subscription = node.create_subscription(TransformStamped, '/transforms', add, 10)
    def unregister(self):
        self.node.destroy_subscription(self.subscription)

tf = types.ModuleType('tf2_ros')
tf.__spec__ = ModuleSpec('tf2_ros', None)
tf.TransformException, tf.Buffer = TransformException, Buffer
tf.TransformListener = TransformListener
sys.modules['tf2_ros'] = tf
"""


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node(diagnostics_period=0.1, tracking__begin_score=0.0)
    node.wait_for('listens to /image')
    return node


@pytest.fixture
def listen(node, tester):
    """Listen to an output of the node, and wait until that listens to depth."""

    def begin(topic, kind, prefix=''):
        heard = tester.listen(f'{prefix}/yolact/{topic}', kind)
        tester.advertise(f'{prefix}/depth', Image)
        tester.advertise(f'{prefix}/camera_info', CameraInfo)
        return heard

    return begin


@pytest.fixture
def show(tester, make_image):
    """Show the node an image with depth, and return what is heard of it."""

    def send(heard, stamp, depth=None, info=None, prefix=''):
        heard.clear()
        tester.send(info or make_camera_info(stamp), f'{prefix}/camera_info')
        if depth is not False:
            tester.send(depth or make_depth(stamp), f'{prefix}/depth')
        tester.spin(0.05)
        return tester.ask(make_image(stamp=stamp), heard, f'{prefix}/image')

    return send


@pytest.fixture
def wait_for(tester):
    """Wait until the diagnostics of depth say something, and return them."""
    arrays = tester.listen('/diagnostics', DiagnosticArray)

    def said(words):
        for array in arrays:
            for one in array.status:
                if one.name == 'yolact: depth' and words in one.message:
                    return one
        return None

    def wait(words):
        found = tester.until(lambda: said(words), f'depth is said to be {words!r}')
        arrays.clear()
        return found

    return wait


def as_array(point):
    return np.array([point.x, point.y, point.z])


def read_points(cloud):
    """Return a cloud as a structured array, by the fields that it declares."""
    kinds = {4: '<u2', 6: '<u4', 7: '<f4'}
    dtype = np.dtype(
        {
            'names': [field.name for field in cloud.fields],
            'formats': [kinds[field.datatype] for field in cloud.fields],
            'offsets': [field.offset for field in cloud.fields],
            'itemsize': cloud.point_step,
        }
    )
    return np.frombuffer(cloud.data, dtype)


def test_objects_are_where_their_masks_and_depth_say(tester, listen, show):
    instances = tester.listen('/yolact/instances', InstanceArray)
    objects = show(listen('objects', ObjectArray), 10.5)
    found = tester.until(lambda: instances, 'instances come too')[-1]
    assert objects.header == found.header
    assert (objects.model_id, objects.sequence) == (found.model_id, found.sequence)
    assert not objects.is_upright
    by_label = {one.label: one for one in found.instances}
    assert len(objects.objects) > 0
    for one in objects.objects:
        instance = by_label[one.label]
        assert (one.class_id, one.class_name) == (instance.class_id, instance.class_name)
        assert (one.id, one.score) == (instance.id, instance.score)
        assert one.depth == pytest.approx(2.0, abs=0.01)
        assert 0 < one.valid_share <= 1
        rows, columns = to_full_size(instance.mask, SIZE).nonzero()
        expected = (np.array([columns.mean(), rows.mean()]) - CENTRE) / FOCAL * 2.0
        np.testing.assert_allclose(as_array(one.centroid)[:2], expected, atol=0.05)
        corner = np.array([np.ptp(columns), np.ptp(rows)]) / FOCAL * 2.0
        assert 0 <= one.size.x <= corner[0] + 0.05
        assert 0 <= one.size.y <= corner[1] + 0.05
        assert one.pose.orientation.w == pytest.approx(1)


def test_points_have_the_colours_and_labels_of_their_pixels(listen, show, photo):
    cloud = show(listen('objects/points', PointCloud2), 11.0)
    points = read_points(cloud)
    assert cloud.header.frame_id == 'camera'
    assert cloud.header.stamp.sec == 11
    assert (cloud.height, cloud.width, cloud.point_step) == (1, len(points), 24)
    assert cloud.row_step == len(cloud.data) == 24 * len(points) > 0
    assert cloud.is_dense
    assert [field.name for field in cloud.fields] == ['x', 'y', 'z', 'rgb', 'label', 'class_id']
    np.testing.assert_allclose(points['z'], 2.0, atol=1e-3)
    places = np.stack([points['x'], points['y']], axis=1) / points['z'][:, None] * FOCAL + CENTRE
    columns, rows = places.round().astype(int).T
    colors = np.ascontiguousarray(points['rgb']).view(np.uint32)
    red, green, blue = photo[rows, columns].astype(np.uint32).T
    np.testing.assert_array_equal(colors, red << 16 | green << 8 | blue)
    assert points['label'].min() >= 1
    assert set(points['class_id']) <= {0, 1, 2}


def test_markers_keep_the_ids_of_their_tracks_and_have_a_box_and_a_name(tester, listen, show):
    objects = tester.listen('/yolact/objects', ObjectArray)
    markers = listen('markers', MarkerArray)
    first = show(markers, 12.0).markers
    seen = tester.until(lambda: objects, 'objects come too')[-1].objects
    second = show(markers, 12.1).markers
    assert len(first) == 2 * len(seen) > 0
    boxes = [marker for marker in first if marker.type == Marker.CUBE]
    names = [marker for marker in first if marker.type == Marker.TEXT_VIEW_FACING]
    assert {marker.ns for marker in boxes} == {'camera/boxes'}
    assert {marker.ns for marker in names} == {'camera/names'}
    assert [marker.id for marker in boxes] == [int(one.id) for one in seen]
    assert [(one.ns, one.id) for one in second] == [(one.ns, one.id) for one in first]
    assert len({(one.ns, one.id) for one in first}) == len(first)
    for box, name, one in zip(boxes, names, seen, strict=True):
        assert box.pose == one.pose
        assert box.scale.x == pytest.approx(one.size.x)
        assert box.scale.z > 0
        assert box.color.a < name.color.a == 1
        assert one.class_name in name.text
        assert name.pose.position.y < one.pose.position.y  # above it, for y points down
        assert (box.lifetime.sec, box.lifetime.nanosec) == (0, 500_000_000)
        assert box.header.stamp.sec == 12


@pytest.mark.parametrize('encoding', ['16UC1', 'mono16', '32FC1'])
def test_the_unit_comes_from_the_encoding(listen, show, encoding):
    objects = listen('objects', ObjectArray)
    found = show(objects, 20.0, make_depth(20.0, encoding=encoding)).objects
    assert [one.depth for one in found] == pytest.approx([2.0] * len(found), abs=0.01)
    assert found


def test_depth_is_paired_within_half_its_period_and_never_an_older_one(
    tester, listen, show, wait_for
):
    objects = listen('objects', ObjectArray)
    show(objects, 29.9)  # by now depth and calibration are subscribed
    for index in range(6):
        tester.send(make_depth(30.0 + index / 10, metres=1.0 + index), '/depth')
        tester.spin(0.02)
    near = show(objects, 30.46, depth=False).objects
    assert near
    assert [one.depth for one in near] == pytest.approx([6.0] * len(near), abs=0.01)
    assert show(objects, 30.56, depth=False).objects == []
    wait_for('depth must have a stamp within 50.0 ms of that of the image')
    assert show(objects, 31.0, depth=False).objects == []


@pytest.mark.parametrize(
    ('wrong_depth', 'wrong_info', 'words'),
    [
        ({'metres': 0.0}, {}, 'too little of /depth is measured behind them'),
        ({'size': (48, 64)}, {}, 'must be as large as the image, 128 x 96, got 64 x 48'),
        ({'frame_id': 'depth'}, {}, "registered to the image, in frame 'camera', got frame"),
        ({}, {'focal': 0.0}, 'the camera is not calibrated'),
        ({}, {'size': (48, 64)}, 'must be for images of 128 x 96, got 64 x 48'),
    ],
)
def test_what_does_not_fit_is_told_and_instances_go_on(
    tester, listen, show, wait_for, wrong_depth, wrong_info, words
):
    objects = listen('objects', ObjectArray)
    instances = tester.listen('/yolact/instances', InstanceArray)
    depth, info = make_depth(40.0, **wrong_depth), make_camera_info(40.0, **wrong_info)
    assert show(objects, 40.0, depth, info).objects == []
    assert tester.until(lambda: instances, 'instances come')[-1].instances
    said = wait_for(words)
    assert said.level == b'\x01'
    assert said.message.startswith(('1 of 1 images have no depth', 'none of '))
    assert show(objects, 41.0).objects


def test_a_calibration_that_was_latched_before_the_node_listened_is_enough(
    start_node, tester, make_image
):
    qos = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publisher = tester.node.create_publisher(CameraInfo, '/once/camera_info', qos)
    publisher.publish(make_camera_info(1.0))  # of a bag that holds it once
    node = start_node('-r', '__ns:=/once', diagnostics_period=0.1)
    node.wait_for('listens to /once/image')
    objects = tester.listen('/once/yolact/objects', ObjectArray)

    def has_objects():
        tester.send(make_depth(45.0), '/once/depth')
        tester.send(make_image(stamp=45.0), '/once/image')
        tester.spin(0.2)
        return any(one.objects for one in objects)

    tester.until(has_objects, 'objects come')
    tester.node.destroy_publisher(publisher)


def test_instances_go_on_when_depth_stops_jumps_and_comes_back(tester, listen, show):
    objects = listen('objects', ObjectArray)
    instances = tester.listen('/yolact/instances', InstanceArray)
    assert show(objects, 50.0).objects
    for stamp, depth in (
        (50.1, False),  # it stops
        (50.2, make_depth(5.0)),  # its time goes back
        (50.3, make_depth(9e8)),  # and far ahead
    ):
        instances.clear()
        assert show(objects, stamp, depth).objects == []
        assert tester.until(lambda: instances, 'instances come')[-1].instances
    assert show(objects, 50.4).objects


def test_without_objects_arrays_are_empty_but_come(tester, listen, show):
    markers, points = listen('markers', MarkerArray), listen('objects/points', PointCloud2)
    assert show(markers, 60.0, depth=False).markers == []
    cloud = tester.until(lambda: points, 'a cloud comes')[-1]
    assert (cloud.width, len(cloud.data), cloud.point_step) == (0, 0, 24)


def test_nobody_who_listens_means_no_depth(start_node, tester, make_image):
    def until_subscribed(count):
        for topic in ('/idle/depth', '/idle/camera_info'):
            tester.until(lambda topic=topic: tester.node.count_subscribers(topic) == count, topic)

    node = start_node('-r', '__ns:=/idle', diagnostics_period=0.1)
    node.wait_for('listens to /idle/image')
    instances = tester.listen('/idle/yolact/instances', InstanceArray)
    tester.ask(make_image(), instances, '/idle/image')
    tester.spin(0.5)
    until_subscribed(0)
    for _ in range(8):
        listener = tester.node.create_subscription(ObjectArray, '/idle/yolact/objects', print, 1)
        until_subscribed(1)
        tester.node.destroy_subscription(listener)
        until_subscribed(0)
    assert 'Traceback' not in node.log


@pytest.mark.skipif(find_spec('tf2_ros') is not None, reason='tf2_ros is installed')
def test_a_target_frame_without_tf_is_told_once_and_objects_stay_in_the_camera_frame(
    start_node, tester, listen, show
):
    node = start_node('-r', '__ns:=/blind', diagnostics_period=0.1, depth__target_frame='odom')
    node.wait_for('listens to /blind/image')
    objects = listen('objects', ObjectArray, '/blind')
    for stamp in (70.0, 70.1):
        found = show(objects, stamp, prefix='/blind')
        assert found.objects
        assert found.header.frame_id == 'camera'
        assert not found.is_upright
    assert node.log.count('tf2_ros must be installed for depth.target_frame') == 1


def make_transform(stamp, height=1.5):
    """Return where a camera is that looks along x of a level frame, from a height."""
    message = TransformStamped(child_frame_id='camera')
    message.header.frame_id = 'odom'
    message.header.stamp.sec = int(stamp)
    turn = message.transform.rotation
    turn.x, turn.y, turn.z, turn.w = -0.5, 0.5, -0.5, 0.5
    message.transform.translation.z = height
    return message


def test_objects_are_in_the_frame_of_their_header_by_the_transform_at_the_stamp(
    start_node, tester, listen, show
):
    """The transforms are those of a stand-in: ``tf2_ros`` is no wheel."""
    node = start_node(
        '-r', '__ns:=/level', diagnostics_period=0.1, depth__target_frame='odom', before=FAKE_TF
    )
    node.wait_for('listens to /level/image')
    objects = listen('objects', ObjectArray, '/level')
    markers = listen('markers', MarkerArray, '/level')
    points = listen('objects/points', PointCloud2, '/level')
    late = show(objects, 80.0, prefix='/level')
    assert (late.header.frame_id, late.is_upright) == ('camera', False)
    assert late.objects
    tester.advertise('/transforms', TransformStamped, 10)
    tester.send(make_transform(81.0), '/transforms')
    tester.send(make_transform(90.0, height=99.0), '/transforms')  # the newest, not the image's
    level = show(objects, 81.0, prefix='/level')
    assert (level.header.frame_id, level.header.stamp.sec) == ('odom', 81)
    assert level.is_upright
    assert len(level.objects) == len(late.objects)
    for one, other in zip(level.objects, late.objects, strict=True):
        x, y, z = as_array(other.centroid)
        np.testing.assert_allclose(as_array(one.centroid), [z, -x, 1.5 - y], atol=1e-3)
        assert min(as_array(one.size)) >= 0
        turn = one.pose.orientation
        assert (turn.x, turn.y) == pytest.approx((0, 0), abs=1e-6)  # yaw only
    tester.until(lambda: len(points) == 2, 'points come')
    cloud = points[-1]
    assert cloud.header.frame_id == 'odom'
    np.testing.assert_allclose(read_points(cloud)['x'], 2.0, atol=1e-3)
    tester.until(lambda: len(markers) == 2, 'markers come')
    assert {marker.header.frame_id for marker in markers[-1].markers} == {'odom'}


def test_named_cameras_have_depth_of_their_own(start_node, tester, listen, show, make_image):
    node = start_node('-r', '__ns:=/robot', cameras=['front', 'left'], diagnostics_period=0.1)
    node.wait_for('listens to /robot/front/image')
    objects = tester.listen('/robot/yolact/front/objects', ObjectArray)
    tester.advertise(f'{ROBOT}/depth', Image)
    tester.advertise(f'{ROBOT}/camera_info', CameraInfo)
    assert show(objects, 5.0, prefix=ROBOT).objects
    assert tester.node.count_subscribers('/robot/left/depth') == 0
