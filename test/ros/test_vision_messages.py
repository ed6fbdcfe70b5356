"""The topics for those who know ``vision_msgs`` and nothing of this package."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')
pytest.importorskip(
    'vision_msgs.msg',
    reason='needs vision_msgs, which comes with ROS distributions: apt install ros-*-vision-msgs',
)

from rclpy.qos import DurabilityPolicy, QoSProfile
from vision_msgs.msg import Detection2DArray, LabelInfo
from yolact.msg import InstanceArray

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node()
    node.wait_for('listens to /image')
    return node


def test_detections_are_the_instances_in_their_order(node, tester, make_image):
    instances = tester.listen('/yolact/instances', InstanceArray)
    detections = tester.listen('/yolact/detections', Detection2DArray)
    boxes = tester.ask(make_image(stamp=7.5, frame_id='lens'), detections)
    found = tester.until(lambda: instances, 'instances come too')[-1]
    assert boxes.header == found.header
    assert len(boxes.detections) == len(found.instances) > 0
    for box, one in zip(boxes.detections, found.instances, strict=True):
        (result,) = box.results
        assert result.hypothesis.class_id == one.class_name
        assert result.hypothesis.score == pytest.approx(one.score)
        left, top, right, bottom = one.box
        assert (box.bbox.size_x, box.bbox.size_y) == pytest.approx((right - left, bottom - top))
        centre = box.bbox.center.position
        assert (centre.x, centre.y) == pytest.approx(((left + right) / 2, (top + bottom) / 2))


def test_who_comes_late_still_learns_what_the_class_mask_means(node, tester):
    infos = tester.listen('/yolact/label_info', LabelInfo, LATCHED)
    (info,) = tester.until(lambda: infos, 'label info comes')
    table = [(entry.class_id, entry.class_name) for entry in info.class_map]
    assert table == [(0, 'person'), (1, 'chair'), (2, 'cup')]
