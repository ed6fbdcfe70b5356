"""A real node follows the object that it is told to follow."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from depth_messages import SIZE, make_camera_info, make_depth
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CameraInfo, Image
from yolact.msg import InstanceArray, ObjectArray
from yolact.srv import SetTarget

from yolact_ros.masks import to_full_size


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node(tracking__begin_score=0.0, tracking__max_lost=60.0)
    node.wait_for('listens to /image')
    return node


@pytest.fixture
def set_target(node, tester):
    return lambda **wish: tester.call(SetTarget, '/yolact/set_target', SetTarget.Request(**wish))


@pytest.fixture
def show(node, tester, make_image):
    """Listen to the target, and show the node images with depth; return all that is heard."""
    heard = {
        name: tester.listen(f'/yolact/{name}', kind)
        for name, kind in {
            'instances': InstanceArray,
            'objects': ObjectArray,
            'target/pose': PoseStamped,
            'target/mask': Image,
            'target/camera_info': CameraInfo,
        }.items()
    }
    tester.advertise('/depth', Image)
    tester.advertise('/camera_info', CameraInfo)

    def send(stamp):
        for messages in heard.values():
            messages.clear()
        tester.send(make_camera_info(stamp), '/camera_info')
        tester.send(make_depth(stamp), '/depth')
        tester.spin(0.05)
        tester.ask(make_image(stamp=stamp), heard['target/mask'])
        tester.spin(0.2)
        return {name: messages[-1] if messages else None for name, messages in heard.items()}

    return send


def pixels_of(mask):
    return np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.width)


def test_a_target_is_followed_lost_and_found_again(node, tester, set_target, show):
    heard = show(1.0)
    assert heard['target/pose'] is None
    assert not pixels_of(heard['target/mask']).any()
    chosen = next(one for one in heard['objects'].objects if one.id)

    answer = set_target(id=chosen.id)
    assert (answer.success, answer.id) == (True, chosen.id)

    heard = show(1.1)
    (instance,) = (one for one in heard['instances'].instances if one.id == chosen.id)
    (object_,) = (one for one in heard['objects'].objects if one.id == chosen.id)
    wanted = to_full_size(instance.mask, SIZE) * 255
    np.testing.assert_array_equal(pixels_of(heard['target/mask']), wanted)
    assert wanted.any()
    assert heard['target/pose'].pose == object_.pose
    headers = {name: heard[name].header for name in heard}
    assert all(header == headers['instances'] for header in headers.values())

    tester.set_parameters({'score_threshold': 0.999})  # nothing is found any longer
    heard = show(1.7)
    assert len(heard['instances'].instances) == 0
    assert heard['target/pose'] is None
    assert not pixels_of(heard['target/mask']).any()
    node.wait_for(f'{chosen.id} is out of sight')

    tester.set_parameters({'score_threshold': 0.05})
    assert show(1.8)['target/pose'] is not None
    node.wait_for(f'{chosen.id} is seen again')

    answer = set_target(clear=True)
    assert (answer.success, answer.id) == (True, '')
    heard = show(1.9)
    assert heard['target/pose'] is None
    assert not pixels_of(heard['target/mask']).any()


def test_the_nearest_of_a_class_is_chosen_or_waited_for(set_target, show):
    found = show(2.0)
    names = [one.class_name for one in found['instances'].instances if one.id]
    answer = set_target(class_name=names[0])
    assert answer.success
    assert any(one.id == answer.id for one in found['instances'].instances)
    missing = set_target(id='123456')
    assert (missing.success, missing.id) == (False, '')
    assert missing.message == 'no such object is seen now: the first that fits will be the target'


def test_an_unknown_class_is_refused_in_words(set_target, show):
    show(3.0)
    answer = set_target(class_name='unicorn')
    assert not answer.success
    assert answer.message == "class must be one of person, chair, cup, got 'unicorn'"
