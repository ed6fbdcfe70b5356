"""Calibrations and costmap topics of a real node: what is subscribed, refused and told."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from colored_scenes import Scene, see_colors
from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import CameraInfo, Image, PointCloud2


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node(before=see_colors(), diagnostics_period=0.2)
    node.wait_for('listens to /image')
    return node


@pytest.fixture
def scene():
    return Scene().place('chair', (slice(8, 20), slice(0, 20)), 1.0)


@pytest.fixture
def show(node, tester, make_image, scene):
    """Show the scene until something is heard, and return that."""

    def until(heard, stamp, info=None):
        for _ in range(20):
            tester.send(info or scene.camera_info(stamp - 0.01), '/camera_info')
            tester.send(scene.depth(stamp), '/depth')
            tester.spin(0.1)
            tester.send(make_image(scene.rgb, stamp=stamp))
            tester.spin(0.3)
            if heard:
                return heard[-1]
        raise AssertionError('nothing was heard of 20 images')

    return until


def test_the_calibration_beside_masks_has_their_stamp_and_needs_no_depth(
    node, tester, make_image, scene
):
    heard = tester.listen('/yolact/camera_info', CameraInfo)
    masks = tester.listen('/yolact/class_mask', Image)
    tester.until(lambda: tester.node.count_subscribers('/camera_info'), 'it is listened to')
    assert tester.node.count_subscribers('/depth') == 0
    tester.send(scene.camera_info(0.0), '/camera_info')
    tester.spin(0.2)
    tester.send(make_image(stamp=7.25))
    info = tester.until(lambda: heard, 'the calibration comes')[-1]
    mask = tester.until(lambda: masks, 'the mask comes')[-1]
    assert info.header == mask.header
    assert (info.height, info.width) == (mask.height, mask.width)
    assert info.k.tolist() == scene.camera_info(0.0).k.tolist()


def test_a_calibration_of_another_size_is_told_and_not_passed_on(node, tester, make_image, scene):
    heard = tester.listen('/yolact/camera_info', CameraInfo)
    statuses = tester.listen('/diagnostics', DiagnosticArray)
    tester.send(Scene((48, 64)).camera_info(0.0), '/camera_info')
    tester.spin(0.3)
    heard.clear()
    tester.send(make_image(stamp=8.0))
    words = 'camera info must be for images of 128 x 96, got 64 x 48'
    tester.until(
        lambda: any(words in one.message for array in statuses for one in array.status), words
    )
    assert heard == []


def test_costmaps_get_nothing_of_an_image_without_depth(node, tester, make_image, show):
    masks = tester.listen('/yolact/nav/class_mask', Image)
    clouds = tester.listen('/yolact/nav/points', PointCloud2)
    show(clouds, 20.0)
    tester.until(lambda: masks, 'the mask comes too')
    masks.clear()
    clouds.clear()
    tester.send(make_image(stamp=25.0))
    tester.spin(0.6)
    assert masks == clouds == []


def test_parameters_of_costmaps_count_at_once_and_unknown_classes_are_refused(node, tester, show):
    clouds = tester.listen('/yolact/nav/points', PointCloud2)
    assert show(clouds, 30.0).width == 128  # no more than the image has
    clouds.clear()
    assert tester.set_parameters({'nav.width': 50})[0].successful
    cloud = show(clouds, 31.0)
    assert (cloud.height, cloud.width) == (38, 50)
    (refused,) = tester.set_parameters({'nav.classes': ['unicorn']})
    assert refused.reason == "nav.classes must be among person, chair, cup, got 'unicorn'"


def test_a_node_that_is_to_show_costmaps_an_unknown_class_does_not_start(start_node):
    node = start_node('-r', '__ns:=/failing', nav__classes=['unicorn'])
    assert node.wait() == 2
    assert "nav.classes must be among person, chair, cup, got 'unicorn'" in node.log


def test_a_node_that_begins_anew_takes_people_out_again(tester, node, show):
    heard = tester.listen('/yolact/removed/depth', Image)
    show(heard, 40.0)
    assert tester.change_state('deactivate')
    tester.until(lambda: tester.node.count_subscribers('/depth') == 0, 'depth is not heard')
    heard.clear()
    assert tester.change_state('cleanup')
    assert tester.change_state('configure')
    assert tester.change_state('activate')
    show(heard, 41.0)
    assert node.process.poll() is None
