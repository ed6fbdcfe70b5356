"""Messages for costmaps, and calibrations, as bags and those who know ``vision_msgs`` get them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from rosbags.typesys import get_types_from_msg
from scenes import CLASS_NAMES, make_detections

from yolact_core.lifting import DepthImage
from yolact_core.lifting.rays import pinhole_rays
from yolact_core.palette import make_palette
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.camera_info import make_camera_info, make_nav_camera_info
from yolact_ros.messages.nav.outputs import (
    make_nav_class_mask,
    make_nav_confidence,
    make_nav_points,
)
from yolact_ros.messages.nav.view import NavOptions
from yolact_ros.messages.result import OutputOptions, Result
from yolact_ros.messages.space import Space
from yolact_ros.messages.types import CAMERA_INFO, LABEL_INFO, ros2_types

SIZE = (90, 160)
MATRIX = np.array([[140.0, 0, 82], [0, 130.0, 47], [0, 0, 1]])
MAKERS = (make_nav_points, make_nav_class_mask, make_nav_confidence)
HEADER = bag_messages.to_header(5, 'camera')


def make_result(with_depth=True, width=40, camera_info=None, **options):
    detections = make_detections(size=SIZE)[1:]
    depth = DepthImage(np.full(SIZE, 2.0, dtype=np.float32), 1.0)
    return Result(
        rgb=np.zeros((*SIZE, 3), np.uint8),
        header=HEADER,
        detections=detections,
        sequence=3,
        model_id='tiny@0',
        palette=make_palette(len(CLASS_NAMES)),
        prototypes=None,
        space=Space(depth, pinhole_rays(SIZE, MATRIX)) if with_depth else None,
        camera_info=camera_info,
        options=OutputOptions(nav=NavOptions(width, **options)),
    )


def make_info(**fields):
    projection = np.concatenate([MATRIX, [[-14.0], [0], [0]]], axis=1)
    values = {
        'header': bag_messages.to_header(4, 'lens'),
        'height': SIZE[0],
        'width': SIZE[1],
        'distortion_model': 'plumb_bob',
        'd': np.array([0.1, -0.2, 0, 0, 0]),
        'k': MATRIX.ravel(),
        'r': np.eye(3).ravel(),
        'p': projection.ravel(),
    }
    return bag_messages.make(CAMERA_INFO, **{**values, **fields})


@pytest.mark.parametrize('width', [40, 50, 160])
def test_cloud_and_masks_have_one_size_and_the_header_of_the_image(width):
    cloud, classes, confidence = (make(bag_messages, make_result(width=width)) for make in MAKERS)
    for message in (cloud, classes, confidence):
        assert message.header is HEADER
        assert (message.height, message.width) == (round(90 * width / 160), width)
    assert [one.encoding for one in (classes, confidence)] == ['mono8', 'mono8']
    assert [one.step for one in (classes, confidence)] == [width, width]
    assert (cloud.point_step, cloud.row_step) == (12, 12 * width)
    assert [(one.name, one.offset, one.datatype) for one in cloud.fields] == [
        ('x', 0, 7),
        ('y', 4, 7),
        ('z', 8, 7),
    ]
    np.testing.assert_array_equal(classes.data > 0, confidence.data > 0)
    assert set(classes.data.tolist()) == {0, 1, 2, 3}


def test_the_background_has_the_number_that_is_chosen():
    def classes(**options):
        return make_nav_class_mask(bag_messages, make_result(**options)).data

    ids = np.where(classes(background=0) == 0, 255, classes(background=0) - 1)
    np.testing.assert_array_equal(classes(background=255), ids)
    chosen = classes(classes=('chair',))
    assert set(chosen.tolist()) == {0, 2}


def test_without_depth_nothing_is_told_to_costmaps():
    result = make_result(with_depth=False, camera_info=make_info())
    makers = (*MAKERS, make_nav_camera_info)
    assert [make(bag_messages, result) for make in makers] == [None] * 4


def test_the_calibration_has_the_header_of_the_image():
    info = make_info()
    message = make_camera_info(bag_messages, make_result(camera_info=info))
    assert message.header is HEADER
    np.testing.assert_array_equal(message.k, info.k)
    np.testing.assert_array_equal(message.d, info.d)
    assert (message.height, message.width, message.distortion_model) == (*SIZE, 'plumb_bob')
    assert make_camera_info(bag_messages, make_result()) is None


@pytest.mark.parametrize(('width', 'tolerance'), [(32, 1e-4), (160, 1e-4), (70, 0.5)])
def test_the_calibration_for_costmaps_leads_from_points_to_pixels(width, tolerance):
    result = make_result(width=width, camera_info=make_info())
    info = make_nav_camera_info(bag_messages, result)
    cloud = make_nav_points(bag_messages, result)
    assert (info.height, info.width) == (cloud.height, cloud.width)
    points = cloud.data.view(np.float32).reshape(cloud.height, cloud.width, 3)
    seen = points @ info.k.reshape(3, 3).T
    rows, columns = np.mgrid[: cloud.height, : cloud.width]
    np.testing.assert_allclose(seen[..., 0] / seen[..., 2], columns, atol=tolerance)
    np.testing.assert_allclose(seen[..., 1] / seen[..., 2], rows, atol=tolerance)
    projection = info.p.reshape(3, 4)
    np.testing.assert_allclose(projection[:, :3], info.k.reshape(3, 3))
    assert projection[0, 3] == pytest.approx(-14 * width / 160)


def test_the_calibration_for_costmaps_counts_binning_and_region_of_interest():
    whole = make_nav_camera_info(bag_messages, make_result(camera_info=make_info()))
    sensor = np.array([[2.0, 0, 20], [0, 2.0, 12], [0, 0, 1]])  # from pixels of the image
    roi = bag_messages.make(
        'sensor_msgs/msg/RegionOfInterest', x_offset=20, y_offset=12, height=180, width=320
    )
    info = make_info(
        height=400, width=400, k=(sensor @ MATRIX).ravel(), binning_x=2, binning_y=2, roi=roi
    )
    part = make_nav_camera_info(bag_messages, make_result(camera_info=info))
    np.testing.assert_allclose(part.k, whole.k)
    assert (part.binning_x, part.roi.width) == (0, 0)


@pytest.fixture
def vision_msgs(monkeypatch):
    """Know the messages of vision_msgs for the length of a test."""
    types = ros2_types()
    monkeypatch.setattr(types, 'fielddefs', dict(types.fielddefs))
    monkeypatch.setattr(types, 'types', dict(types.types))
    texts = {
        'vision_msgs/msg/VisionClass': 'uint16 class_id\nstring class_name',
        LABEL_INFO: 'std_msgs/Header header\nvision_msgs/VisionClass[] class_map\n'
        'float32 threshold',
    }
    for name, text in texts.items():
        types.register(get_types_from_msg(text, name))


@pytest.fixture
def publish_label_info(vision_msgs, monkeypatch):
    """Publish tables with some parameters, and return those that come out."""
    pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
    from yolact_ros.node.nav import label_info
    from yolact_ros.node.parameters import replace_values
    from yolact_ros.node.settings import Settings

    monkeypatch.setattr(label_info, 'ros_messages', bag_messages)
    heard = []

    class Publisher:
        def __init__(self, kind, topic, profile):
            assert (kind, profile.durability.name) == (LABEL_INFO, 'TRANSIENT_LOCAL')
            self.topic = topic

        def publish(self, message):
            assert message.header is HEADER
            table = [(one.class_id, one.class_name) for one in message.class_map]
            heard.append((self.topic, table))

    infos = label_info.LabelInfo(Publisher)

    def publish(**values):
        heard.clear()
        named = {name.replace('__', '.'): value for name, value in values.items()}
        infos.publish(CLASS_NAMES, replace_values(Settings(), named), HEADER)
        return list(heard)

    return publish


def test_costmaps_learn_the_names_of_the_numbers_that_are_published(publish_label_info):
    ids = [(0, 'person'), (1, 'chair'), (2, 'cup')]
    numbers = [(1, 'person'), (2, 'chair'), (3, 'cup')]
    assert publish_label_info() == [('label_info', ids), ('nav/label_info', numbers)]
    assert publish_label_info() == []  # it is latched
    assert publish_label_info(nav__background=255) == [('nav/label_info', ids)]
    assert publish_label_info(nav__classes=('cup', 'chair')) == [('nav/label_info', numbers[1:])]
    assert publish_label_info(classes=('person',)) == [('nav/label_info', numbers[:1])]
    nothing = publish_label_info(classes=('person',), nav__classes=('cup',))
    assert nothing == [('nav/label_info', [])]
