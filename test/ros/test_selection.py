"""Some of the objects of an image: what belongs together stays together."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('rclpy', reason='needs ROS 2: make setup')

from yolact_core.detections import Detections
from yolact_core.lifting import DepthImage
from yolact_core.lifting.rays import pinhole_rays
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.palette import make_palette
from yolact_core.tracking import Tracks
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.result import Result
from yolact_ros.messages.space import Space
from yolact_ros.node.objects.selection import Selection

NAMES = ('person', 'chair')
CLASS_IDS = np.array([0, 0, 1], np.int64)
IDS = ('7', '8', '9')
METRES = (0.0, 2.0, 1.0)  # of the first, no depth is known
SIDE = 40  # of the square that is seen of each thing, pixels
SIZE = (SIDE, 3 * SIDE)
RGB = (0x0A, 0x14, 0x1E)


@pytest.fixture
def result():
    """Return what is found of three things side by side."""
    seen = np.repeat(np.eye(3, dtype=bool), SIDE, axis=1)[:, None].repeat(SIDE, axis=1)
    masks = InstanceMasks.from_dense(seen, SIZE)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    depth = np.repeat(np.array(METRES, np.float32), SIDE)[None].repeat(SIDE, axis=0)
    matrix = np.array([[100.0, 0, SIZE[1] / 2], [0, 100.0, SIDE / 2], [0, 0, 1]])
    return Result(
        rgb=np.full((*SIZE, 3), RGB, np.uint8),
        header=bag_messages.to_header(5, 'camera'),
        detections=Detections(
            boxes=masks.boxes(),
            scores=scores,
            mask_scores=scores,
            class_ids=CLASS_IDS,
            coefficients=np.zeros((3, 0), np.float32),
            masks=masks,
            all_class_names=NAMES,
        ),
        sequence=1,
        model_id='tiny@0',
        palette=make_palette(len(NAMES)),
        prototypes=None,
        tracks=Tracks(IDS, np.ones(3, np.int64), CLASS_IDS),
        space=Space(DepthImage(depth, 1.0), pinhole_rays(SIZE, matrix)),
    )


@pytest.mark.parametrize(
    ('selection', 'labels', 'in_space'),
    [
        (Selection(), [1, 2, 3], [2, 3]),
        (Selection(class_names=('person',)), [1, 2], [2]),
        (Selection(ids=('9', '7')), [1, 3], [3]),
        (Selection(('person',), ('9',)), [], []),
    ],
)
def test_a_selection_keeps_the_labels_and_the_points_of_each(result, selection, labels, in_space):
    instances, objects, clouds = selection.to_messages(bag_messages, result)
    assert [one.label for one in instances.instances] == labels
    assert [one.label for one in objects.objects] == in_space
    assert len(clouds) == len(in_space)
    for cloud, one in zip(clouds, objects.objects, strict=True):
        points = np.frombuffer(cloud.data, '<f4').reshape(-1, 4)
        assert [field.name for field in cloud.fields] == ['x', 'y', 'z', 'rgb']
        assert (cloud.point_step, cloud.width) == (16, len(points))
        assert cloud.width > 0
        assert one.depth == pytest.approx(METRES[one.label - 1], abs=1e-3)
        np.testing.assert_allclose(points[:, 2], one.depth, atol=1e-3)
        assert set(np.ascontiguousarray(points[:, 3]).view(np.uint32)) == {0x0A141E}
