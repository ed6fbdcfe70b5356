"""Messages for bags are those of the node, and the definitions those of the package."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import CLASS_NAMES, make_rgb
from scenes import make_detections, make_nothing

from yolact_core import InputError
from yolact_ros.masks import MaskEncoding
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.detections import to_detections
from yolact_ros.messages.types import DEFINITIONS, INSTANCES, ros2_types

MESSAGES = Path(__file__).parents[2] / 'msg'
STAMP = 1_700_000_000_123_456_789

make_header, to_instance_array = bag_messages.to_header, bag_messages.to_instance_array


def strip(text):
    """Return a definition without comments and spacing."""
    lines = (re.sub(r'\s+', ' ', line.partition('#')[0]).strip() for line in text.splitlines())
    return [line for line in lines if line]


@pytest.mark.parametrize('name', sorted(DEFINITIONS))
def test_definitions_are_those_of_the_package(name):
    path = MESSAGES / f'{name.rpartition("/")[2]}.msg'
    assert strip(DEFINITIONS[name]) == strip(path.read_text())


def test_every_message_of_the_package_is_defined():
    known = {name.rpartition('/')[2] for name in DEFINITIONS}
    assert known == {path.stem for path in MESSAGES.glob('*.msg')}


@pytest.mark.parametrize('encoding', list(MaskEncoding))
@pytest.mark.parametrize('detections', [make_nothing(), make_detections()])
def test_instances_are_what_the_node_publishes(encoding, detections):
    pytest.importorskip('rclpy', reason='needs ROS 2', exc_type=ImportError)
    from rclpy.serialization import deserialize_message
    from std_msgs.msg import Header
    from yolact.msg import InstanceArray

    from yolact_ros.messages.builder import ros_messages

    header = Header(frame_id='lens')
    header.stamp.sec, header.stamp.nanosec = divmod(STAMP, 10**9)
    wanted = ros_messages.to_instance_array(
        detections, header, model_id='tiny@123', sequence=4, encoding=encoding
    )
    made = to_instance_array(
        detections,
        make_header(STAMP, 'lens'),
        model_id='tiny@123',
        sequence=4,
        encoding=encoding,
    )
    data = bytes(ros2_types().serialize_cdr(made, INSTANCES))
    assert deserialize_message(data, InstanceArray) == wanted


def test_the_type_has_the_hash_that_ros_computes():
    pytest.importorskip('yolact.msg', reason='needs the built interfaces', exc_type=ImportError)
    import json

    import yolact

    shares = [Path(part).parents[3] / 'share' for part in yolact.__path__]
    found = [path for share in shares for path in share.glob('yolact/msg/InstanceArray.json')]
    if not found:
        pytest.skip('the build left no type description')
    hashes = json.loads(found[0].read_text())['type_hashes']
    assert {each['type_name']: each['hash_string'] for each in hashes}[
        INSTANCES
    ] == ros2_types().hash_rihs01(INSTANCES)


@pytest.mark.parametrize('encoding', [MaskEncoding.RLE, MaskEncoding.BITMAP, MaskEncoding.MONO8])
def test_detections_survive_the_way_to_a_message_and_back(encoding):
    before = make_detections()
    message = to_instance_array(
        before, make_header(STAMP, ''), model_id='', sequence=1, encoding=encoding
    )
    after = to_detections(message, CLASS_NAMES)
    np.testing.assert_array_equal(after.boxes, before.boxes)
    np.testing.assert_array_equal(after.scores, before.scores)
    np.testing.assert_array_equal(after.class_ids, before.class_ids)
    np.testing.assert_array_equal(after.masks.dense(), before.masks.dense())


def test_classes_that_do_not_take_part_are_left_out():
    message = to_instance_array(make_detections(), make_header(STAMP, ''), model_id='', sequence=1)
    found = to_detections(message, ('cup', 'person'))
    assert set(found.class_names) == {'cup', 'person'}
    assert len(found) == 4


def test_a_mask_beyond_the_image_is_refused():
    message = to_instance_array(make_detections(), make_header(STAMP, ''), model_id='', sequence=1)
    message.image_height = 20
    with pytest.raises(InputError, match='mask must lie inside the image of 53 x 20'):
        to_detections(message, CLASS_NAMES)


def test_without_masks_results_cannot_be_compared():
    message = to_instance_array(
        make_detections(),
        make_header(STAMP, ''),
        model_id='',
        sequence=1,
        encoding=MaskEncoding.NONE,
    )
    with pytest.raises(InputError, match='encoding of a mask must be RLE, BITMAP or MONO8, got 0'):
        to_detections(message, CLASS_NAMES)


def test_images_can_be_read_by_the_node():
    from yolact_ros.images.decoding import image_to_rgb

    rgb = make_rgb()
    message = bag_messages.to_image(rgb, 'rgb8', make_header(STAMP, 'lens'))
    np.testing.assert_array_equal(image_to_rgb(message), rgb)
    labels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 1000
    message = bag_messages.to_image(labels, 'mono16', make_header(STAMP, 'lens'))
    assert message.step == 8
    np.testing.assert_array_equal(message.data.view(np.uint16).reshape(3, 4), labels)
