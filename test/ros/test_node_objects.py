"""Objects on request, from a real node."""

from __future__ import annotations

import time

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from colored_scenes import Scene, see_colors
from std_srvs.srv import SetBool
from yolact.srv import GetObjects

from yolact_ros.masks import to_full_size

PERSON = slice(32, 60), slice(48, 72)
CHAIR = slice(8, 36), slice(4, 28)


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node(before=see_colors(), diagnostics_period=0.2)
    node.wait_for('listens to /image')
    return node


@pytest.fixture
def scene():
    return Scene().place('person', PERSON, 2.0).place('chair', CHAIR, 1.0)


@pytest.fixture
def film(node, tester, make_image):
    """Show the node a scene over and over, with depth, until something holds."""
    publishers = {}

    def send(topic, message):
        if topic not in publishers:  # depth has no subscriber before somebody asks
            publishers[topic] = tester.node.create_publisher(type(message), topic, 5)
        publishers[topic].publish(message)

    def show(condition, scene, prefix='', has_depth=True, timeout=30.0):
        end = time.monotonic() + timeout
        while not (holds := condition()):
            assert time.monotonic() < end, 'waited in vain'
            stamp = tester.node.get_clock().now().nanoseconds / 1e9
            if has_depth:
                send(f'{prefix}/camera_info', scene.camera_info(stamp))
                send(f'{prefix}/depth', scene.depth(stamp))
            tester.spin(0.02)
            send(f'{prefix}/image', make_image(scene.rgb, stamp=stamp))
            tester.spin(0.1)
        return holds

    yield show
    for publisher in publishers.values():
        tester.node.destroy_publisher(publisher)


@pytest.fixture
def request_while(tester, film, scene):
    """Ask for objects while the node is shown a scene, and return the response."""
    clients = []

    def call(request, shown=None, node='/yolact', **options):
        client = tester.node.create_client(GetObjects, f'{node}/get_objects')
        clients.append(client)
        assert client.wait_for_service(20.0)
        future = client.call_async(request)
        film(future.done, shown or scene, **options)
        return future.result()

    yield call
    for client in clients:
        tester.node.destroy_client(client)


def read_points(cloud):
    return np.frombuffer(cloud.data, '<f4').reshape(cloud.width, cloud.point_step // 4)


def test_a_request_gets_masks_boxes_and_points_though_nobody_listened(
    node, tester, film, request_while, scene
):
    end = time.monotonic() + 1.0
    film(lambda: time.monotonic() > end, scene)
    assert tester.node.count_subscribers('/depth') == 0
    answer = request_while(GetObjects.Request())
    assert (answer.success, answer.message) == (True, '2 instances, 2 of them in space')
    person, chair = answer.instances.instances
    rows, columns = to_full_size(person.mask, (96, 128)).nonzero()
    assert (rows.min(), rows.max() + 1) == (32, 60)
    assert (columns.min(), columns.max() + 1) == (48, 72)
    assert [one.class_name for one in answer.objects.objects] == ['person', 'chair']
    assert [one.id for one in answer.objects.objects] == [person.id, chair.id]
    assert answer.objects.header == answer.instances.header
    for one, cloud in zip(answer.objects.objects, answer.points, strict=True):
        assert cloud.header == answer.objects.header
        np.testing.assert_allclose(read_points(cloud)[:, 2], one.depth, atol=0.01)
    colors = read_points(answer.points[0])[:, 3]
    assert set(np.ascontiguousarray(colors).view(np.uint32)) == {0xFF0000}
    assert tester.node.count_subscribers('/depth') == 1


def test_classes_and_ids_are_filtered_and_labels_stay(request_while):
    everything = request_while(GetObjects.Request())
    chairs = request_while(GetObjects.Request(class_names=['chair']))
    (chair,) = chairs.instances.instances
    assert chair.label == chairs.objects.objects[0].label == 2
    assert len(chairs.points) == 1
    person = everything.instances.instances[0].id
    one = request_while(GetObjects.Request(ids=[person]))
    assert [found.class_name for found in one.objects.objects] == ['person']
    none = request_while(GetObjects.Request(class_names=['chair'], ids=[person]))
    assert (none.success, none.instances.instances, none.points) == (True, [], [])
    wrong = request_while(GetObjects.Request(class_names=['dragon']))
    words = "classes must be among person, chair, cup, got 'dragon'"
    assert (wrong.success, wrong.message) == (False, words)


def test_the_newest_result_answers_while_it_is_young_enough(tester, request_while):
    first = request_while(GetObjects.Request())
    again = tester.call(GetObjects, '/yolact/get_objects', GetObjects.Request(max_age=60.0))
    assert again.success
    assert again.instances.header.stamp.sec >= first.instances.header.stamp.sec
    later = request_while(GetObjects.Request(max_age=0.001))
    assert later.instances.sequence > again.instances.sequence


def test_a_request_without_images_is_answered_in_words_and_the_node_goes_on_meanwhile(
    node, tester
):
    client = tester.node.create_client(GetObjects, '/yolact/get_objects')
    assert client.wait_for_service(20.0)
    future = client.call_async(GetObjects.Request())
    response = tester.call(SetBool, '/yolact/enable', SetBool.Request(data=True))
    assert response.message == 'enabled'
    assert not future.done()
    tester.until(future.done, 'it is answered', timeout=20.0)
    answer = future.result()
    words = 'an image must come within 5 s to answer from, got none'
    assert (answer.success, answer.message) == (False, words)
    tester.node.destroy_client(client)


def test_instances_come_though_no_depth_fits_them(request_while, scene):
    scene.depth = lambda stamp: Scene((48, 64)).depth(stamp)
    answer = request_while(GetObjects.Request())
    words = (
        '2 instances, 0 of them in space; no depth belongs to the image, /diagnostics tells why'
    )
    assert (answer.success, answer.message) == (True, words)
    assert len(answer.instances.instances) == 2
    assert answer.objects.objects == answer.points == []


def test_a_node_that_is_shut_down_while_somebody_waits_refuses(start_node, tester):
    node = start_node('-r', '__ns:=/ending')
    node.wait_for('listens to /ending/image')
    client = tester.node.create_client(GetObjects, '/ending/yolact/get_objects')
    assert client.wait_for_service(20.0)
    future = client.call_async(GetObjects.Request())
    tester.spin(0.3)
    assert tester.change_state('active_shutdown', '/ending/yolact')
    assert tester.state('/ending/yolact') == 'finalized'
    tester.until(future.done, 'the request is refused')
    answer = future.result()
    assert (answer.success, answer.message) == (
        False,
        'the node must be active to process images',
    )
    assert 'Traceback' not in node.log
    assert node.process.poll() is None
    tester.node.destroy_client(client)


def test_named_cameras_answer_for_themselves_and_depth_rests_when_nobody_asks(
    start_node, tester, film, request_while, scene
):
    node = start_node('-r', '__ns:=/robot', cameras=['front', 'left'], before=see_colors())
    node.wait_for('listens to /robot/front/image')
    places = {'node': '/robot/yolact/front', 'prefix': '/robot/front'}
    end = time.monotonic() + 1.0
    film(lambda: time.monotonic() > end, scene, prefix='/robot/front')
    assert request_while(GetObjects.Request(), **places).success
    assert tester.node.count_subscribers('/robot/left/depth') == 0
    assert tester.node.count_subscribers('/robot/front/depth') == 1
    film(
        lambda: tester.node.count_subscribers('/robot/front/depth') == 0,
        scene,
        prefix='/robot/front',
    )
