"""Instances that a real node follows from image to image."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from sensor_msgs.msg import Image
from std_srvs.srv import Trigger
from yolact.msg import InstanceArray

NAMES = ('left', 'right')


@pytest.fixture(scope='module')
def node(start_node):
    """Return a node whose tracks begin with all that it finds."""
    node = start_node(tracking__begin_score=0.0)
    node.wait_for('listens to /image')
    return node


def ids_of(message):
    return [instance.id for instance in message.instances]


def ask(tester, instances, image):
    instances.clear()
    return tester.ask(image, instances)


def test_what_stands_still_keeps_its_id_and_grows_older(node, tester, make_image):
    instances = tester.listen('/yolact/instances', InstanceArray)
    first = ask(tester, instances, make_image(stamp=100.0))
    second = ask(tester, instances, make_image(stamp=100.1))
    assert all(ids_of(first))
    assert len(set(ids_of(first))) == len(first.instances) > 0
    assert ids_of(second) == ids_of(first)
    assert {one.track_age for one in first.instances} == {1}
    assert {one.track_age for one in second.instances} == {2}


def test_the_tracker_begins_anew_when_asked_and_when_time_goes_back(node, tester, make_image):
    instances = tester.listen('/yolact/instances', InstanceArray)
    first = ask(tester, instances, make_image(stamp=100.0))
    answer = tester.call(Trigger, '/yolact/reset_tracker', Trigger.Request())
    assert (answer.success, answer.message) == (True, 'tracks begin anew')
    second = ask(tester, instances, make_image(stamp=100.1))
    third = ask(tester, instances, make_image(stamp=50.0))
    ids = [*ids_of(first), *ids_of(second), *ids_of(third)]
    assert len(set(ids)) == len(ids) > 0
    assert {one.track_age for one in third.instances} == {1}


def test_images_without_a_stamp_are_followed_by_the_time_at_which_they_come(
    node, tester, make_image
):
    instances = tester.listen('/yolact/instances', InstanceArray)
    first = ask(tester, instances, make_image(stamp=0.0))
    assert ids_of(ask(tester, instances, make_image(stamp=0.0))) == ids_of(first)


def test_a_tracker_may_be_switched_off(node, tester, make_image):
    instances = tester.listen('/yolact/instances', InstanceArray)
    tester.set_parameters({'tracking.enabled': False})
    found = ask(tester, instances, make_image(stamp=100.0))
    assert {(one.id, one.track_age) for one in found.instances} == {('', 0)}
    tester.set_parameters({'tracking.enabled': True})


def test_trails_are_drawn_where_they_are_asked_for(node, tester, make_image):
    overlays = tester.listen('/yolact/overlay', Image)
    without = ask(tester, overlays, make_image(stamp=200.0))
    tester.set_parameters({'overlay.trails': 1.0})
    ask(tester, overlays, make_image(stamp=200.1))
    with_trails = ask(tester, overlays, make_image(stamp=200.2))
    assert with_trails.data != without.data
    tester.set_parameters({'overlay.trails': 0.0})
    assert ask(tester, overlays, make_image(stamp=200.3)).data == without.data


def test_cameras_share_no_id(start_node, tester, make_image):
    node = start_node('-r', '__ns:=/robot', cameras=list(NAMES), tracking__begin_score=0.0)
    node.wait_for('listens to /robot/left/image, /robot/right/image')
    ids = []
    for name in NAMES:
        instances = tester.listen(f'/robot/yolact/{name}/instances', InstanceArray)
        ids += ids_of(tester.ask(make_image(stamp=100.0), instances, topic=f'/robot/{name}/image'))
    assert len(set(ids)) == len(ids) > 0
