"""Messages of objects in space, as bags and those who know ``vision_msgs`` get them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from rosbags.typesys import get_types_from_msg
from scenes import make_detections, make_nothing
from solids import Box, Plane, cast, pitched, turned

from yolact_core.lifting import DepthImage
from yolact_core.lifting.rays import pinhole_rays
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.palette import make_palette
from yolact_core.tracking import Tracks
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.clouds import make_object_points, to_cloud
from yolact_ros.messages.markers import make_markers
from yolact_ros.messages.objects import make_detections_3d, make_objects
from yolact_ros.messages.result import Result
from yolact_ros.messages.space import Space, Transform
from yolact_ros.messages.types import MARKERS, OBJECTS, POINTS, ros2_types

SIZE = (120, 160)
RAYS = pinhole_rays(SIZE, np.array([[140.0, 0, 80], [0, 140.0, 60], [0, 0, 1]]))
DETECTION_3D = 'vision_msgs/msg/Detection3DArray'
VISION_MSGS = {
    'vision_msgs/msg/ObjectHypothesis': 'string class_id\nfloat64 score',
    'vision_msgs/msg/ObjectHypothesisWithPose': (
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose'
    ),
    'vision_msgs/msg/BoundingBox3D': 'geometry_msgs/Pose center\ngeometry_msgs/Vector3 size',
    'vision_msgs/msg/Detection3D': (
        'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox3D bbox\nstring id'
    ),
    DETECTION_3D: 'std_msgs/Header header\nvision_msgs/Detection3D[] detections',
}


@pytest.fixture
def vision_msgs(monkeypatch):
    """Know the messages of vision_msgs for the length of a test."""
    types = ros2_types()
    monkeypatch.setattr(types, 'fielddefs', dict(types.fielddefs))
    monkeypatch.setattr(types, 'types', dict(types.types))
    for name, text in VISION_MSGS.items():
        types.register(get_types_from_msg(text, name))


def make_result(detections=None, space=None, **fields):
    detections = make_detections(size=SIZE) if detections is None else detections
    values = {
        'rgb': np.zeros((*SIZE, 3), np.uint8),
        'header': bag_messages.to_header(5, 'camera'),
        'detections': detections,
        'sequence': 3,
        'model_id': 'tiny@0',
        'palette': make_palette(len(detections.all_class_names)),
        'prototypes': None,
        'space': space,
        **fields,
    }
    return Result(**values)


def make_wall(**fields):
    depth = DepthImage(np.full(SIZE, 1500, np.uint16), 0.001)
    return make_result(space=Space(depth, RAYS), **fields)


def see_cube(transform):
    """Return the result for a cube of half a metre, seen by a camera 45 degrees above it."""
    size = (480, 640)
    rays = pinhole_rays(size, np.array([[560.0, 0, 320], [0, 560.0, 240], [0, 0, 1]]))
    solids = (Box((0, 0, 1.5), (0.5, 0.5, 0.5), pitched(45)), Plane((0, 0, 1), 5.0))
    depth, seen = cast(rays.table, solids)
    masks = InstanceMasks.from_dense([seen == 0], size)
    space = Space(DepthImage(depth.astype(np.float32), 1.0), rays, transform)
    return make_result(replace(make_detections(2)[:1], masks=masks), space)


def as_tuple(point):
    return point.x, point.y, point.z


@pytest.mark.parametrize(
    ('make', 'kind'),
    [(make_objects, OBJECTS), (make_markers, MARKERS), (make_object_points, POINTS)],
)
@pytest.mark.parametrize('result', [make_result(), make_wall(), make_result(make_nothing(SIZE))])
def test_bags_can_hold_them_also_when_there_is_nothing(make, kind, result):
    message = make(bag_messages, result)
    types = ros2_types()
    again = types.deserialize_cdr(types.serialize_cdr(message, kind), kind)
    assert type(again).__name__ == type(message).__name__


def test_objects_are_those_with_depth_and_name_their_instances():
    result = make_wall()
    objects = result.objects
    message = make_objects(bag_messages, result)
    assert [one.label for one in message.objects] == (objects.indices + 1).tolist()
    assert len(message.objects) > 0
    assert {round(one.depth, 3) for one in message.objects} == {1.5}
    assert make_objects(bag_messages, make_result()).objects == []


def test_markers_without_tracks_have_ids_that_no_track_has():
    tracks = Tracks(('', '7', *[''] * 4), np.zeros(6, np.int64), np.zeros(6, np.int64))
    markers = make_markers(bag_messages, make_wall(tracks=tracks)).markers
    ids = [marker.id for marker in markers[::2]]
    assert len(set(ids)) == len(ids)
    assert all(one < 0 or one == 7 for one in ids)


def test_detections_3d_are_the_same_boxes(vision_msgs):
    result = make_wall()
    objects = make_objects(bag_messages, result).objects
    message = make_detections_3d(bag_messages, result)
    assert len(message.detections) == len(objects) > 0
    for found, one in zip(message.detections, objects, strict=True):
        (hypothesis,) = found.results
        assert (found.id, hypothesis.hypothesis.class_id) == (one.id, one.class_name)
        assert hypothesis.hypothesis.score == pytest.approx(one.score)
        assert found.bbox.center == hypothesis.pose.pose == one.pose
        assert found.bbox.size == one.size
        assert found.header == message.header
    ros2_types().serialize_cdr(message, DETECTION_3D)
    assert make_detections_3d(bag_messages, make_result()).detections == []


def test_sizes_never_rotate_and_the_pose_does():
    """A box whose size was rotated would be 0.707 x 0.5 x 0.0 m large."""
    level = pitched(45)
    around = turned(90) @ level
    sizes, poses = [], []
    for rotation in (level, around):
        message = make_objects(
            bag_messages, see_cube(Transform('map', rotation, np.array([3.0, 4, 5])))
        )
        assert (message.header.frame_id, message.is_upright) == ('map', True)
        (one,) = message.objects
        sizes.append(as_tuple(one.size))
        poses.append(one.pose)
    assert sizes[0] == pytest.approx(sizes[1], abs=1e-4)
    assert sizes[0] == pytest.approx((0.5, 0.5, 0.5), rel=0.1)
    first, second = (as_tuple(pose.position) for pose in poses)
    np.testing.assert_allclose(
        np.subtract(second, (3, 4, 5)), around @ level.T @ np.subtract(first, (3, 4, 5)), atol=1e-4
    )
    camera = make_objects(bag_messages, see_cube(None))
    assert (camera.header.frame_id, camera.is_upright) == ('camera', False)


def test_an_organized_cloud_keeps_its_rows_and_its_holes():
    points = np.zeros((2, 3), dtype=[('x', '<f4'), ('y', '<f4'), ('z', '<f4')])
    points['z'] = np.arange(6).reshape(2, 3)
    points['x'][1, 2] = np.nan
    cloud = to_cloud(bag_messages, points, bag_messages.to_header(0, 'camera'))
    assert (cloud.height, cloud.width, cloud.point_step, cloud.row_step) == (2, 3, 12, 36)
    assert not cloud.is_dense
    again = np.frombuffer(cloud.data.tobytes(), points.dtype).reshape(2, 3)
    np.testing.assert_array_equal(again['z'], points['z'])
