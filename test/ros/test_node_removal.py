"""Depth without people, from a real node."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from colored_scenes import WALL, Scene, see_colors
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_srvs.srv import SetBool

DEPTH, INFO, POINTS = (f'/yolact/removed/{name}' for name in ('depth', 'camera_info', 'points'))
PERSON = slice(32, 60), slice(48, 72)
SENSOR = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
DEFAULTS = {'removal.margin': 0, 'removal.speed': 0.0, 'removal.max_age': 1.0}


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node(before=see_colors(), nav__width=64, diagnostics_period=0.2)
    node.wait_for('listens to /image')
    return node


@pytest.fixture
def settings(node, tester):
    """Set parameters, which get back their values after the test."""
    tester.set_parameters(DEFAULTS)
    yield lambda **values: tester.set_parameters(
        {name.replace('__', '.'): value for name, value in values.items()}
    )
    tester.set_parameters({**DEFAULTS, 'removal.classes': ['person'], 'classes': ['']})


@pytest.fixture
def scene():
    return Scene().place('person', PERSON, 2.0).place('chair', (slice(8, 20), slice(0, 20)), 1.0)


@pytest.fixture
def show(tester, make_image, scene, settings):
    """Let the node see the scene, and then send depth of a stamp."""

    def send(stamp, depth=None, image_stamp=None):
        image_stamp = stamp if image_stamp is None else image_stamp
        tester.send(scene.camera_info(stamp), '/camera_info')
        tester.send(make_image(scene.rgb, stamp=image_stamp))
        tester.spin(0.3)
        tester.send(scene.depth(stamp) if depth is None else depth, '/depth')

    return send


@pytest.fixture
def ask(tester, show):
    """Show the scene until something is heard, and return that."""

    def until(heard, *arguments):
        for _ in range(20):
            show(*arguments)
            tester.spin(0.3)
            if heard:
                return heard[-1]
        raise AssertionError('nothing was heard of 20 depth images')

    return until


@pytest.fixture
def complaint(tester):
    """Return what diagnostics say of removal, as soon as they say some words."""
    statuses = tester.listen('/diagnostics', DiagnosticArray)

    def said(words):
        return [
            one.message
            for array in statuses
            for one in array.status
            if one.name == 'yolact: removal' and words in one.message
        ]

    return lambda words: tester.until(lambda: said(words), f'diagnostics say {words!r}')[-1]


def values_of(message, kind=np.uint16):
    return np.frombuffer(message.data, kind).reshape(message.height, message.width)


@pytest.mark.parametrize(
    ('encoding', 'kind'), [('16UC1', np.uint16), ('mono16', np.uint16), ('32FC1', np.float32)]
)
def test_people_are_zero_and_all_else_is_as_it_came(tester, ask, scene, encoding, kind):
    heard = tester.listen(DEPTH, Image, SENSOR)
    sent = scene.depth(5.25, encoding)
    removed = ask(heard, 5.25, sent)
    assert removed.header == sent.header
    assert (removed.encoding, removed.step) == (encoding, sent.step)
    expected = values_of(sent, kind).copy()
    expected[PERSON] = 0
    np.testing.assert_array_equal(values_of(removed, kind), expected)


def test_diagnostics_tell_how_old_the_masks_are(tester, ask):
    heard = tester.listen(DEPTH, Image, SENSOR)
    ask(heard, 10.0, None, 9.75)
    statuses = tester.listen('/diagnostics', DiagnosticArray)

    def ages():
        values = [
            one.values for array in statuses for one in array.status if 'removal' in one.name
        ]
        figures = [{value.key: value.value for value in each} for each in values]
        return [each['age of the mask (s)'] for each in figures if each['published'] == '1']

    ask(heard, 11.0, None, 10.75)
    assert tester.until(ages, 'diagnostics tell the age') == ['0.250']


def test_its_calibration_lies_beside_it(tester, ask, scene):
    depths = tester.listen(DEPTH, Image, SENSOR)
    infos = tester.listen(INFO, CameraInfo, SENSOR)
    ask(depths, 6.5)
    info = tester.until(lambda: infos, 'the calibration comes')[-1]
    assert info.header == depths[-1].header
    sent = scene.camera_info(6.5)
    assert (info.height, info.width) == (sent.height, sent.width)
    np.testing.assert_array_equal(info.k, sent.k)


def test_points_are_those_of_the_rest(tester, ask):
    heard = tester.listen(POINTS, PointCloud2, SENSOR)
    cloud = ask(heard, 7.5)
    assert (cloud.height, cloud.width, cloud.point_step) == (48, 64, 12)
    assert [field.name for field in cloud.fields] == ['x', 'y', 'z']
    points = np.frombuffer(cloud.data, np.float32).reshape(48, 64, 3)
    removed = np.s_[16:30, 24:36]  # half as many rows and columns as PERSON
    assert np.isnan(points[removed]).all()
    points[removed] = WALL
    assert not np.isnan(points).any()
    assert np.unique(points[..., 2]).tolist() == [1.0, WALL]
    chair = points[points[..., 2] == 1.0]
    assert chair[:, 0].min() == pytest.approx((1 - 63.5) / 100, abs=1e-6)


def test_the_margin_is_taken_out_too_and_grows_with_the_age_of_the_mask(
    tester, ask, settings, scene
):
    settings(removal__margin=8, removal__speed=0.5)
    heard = tester.listen(DEPTH, Image, SENSOR)
    values = values_of(ask(heard, 20.0))
    assert not values[24:68, 40:80].any()
    assert values[:24].all()
    heard.clear()
    values = values_of(ask(heard, 20.0, None, 19.4))  # 28 rows * 0.5 * 0.6 = 9 pixels more
    assert heard[-1].header.stamp.sec == 20
    assert not values[15:77, 31:89].any()
    assert values[:9].all()


@pytest.mark.parametrize(
    ('difference', 'words'),
    [(-3.0, 'the newest are 3.0 s older'), (2.0, 'the newest are 2.0 s newer')],
)
def test_depth_that_no_mask_is_near_is_withheld(tester, show, complaint, difference, words):
    heard = tester.listen(DEPTH, Image, SENSOR)
    show(30.0, None, 30.0 + difference)
    text = complaint(words)
    assert 'masks must be within removal.max_age = 1 s of the depth' in text
    assert heard == []


def test_depth_that_does_not_fit_the_image_is_withheld(tester, show, complaint, scene):
    heard = tester.listen(DEPTH, Image, SENSOR)
    show(40.0, scene.depth(40.0, frame_id='infrared'))
    complaint("must be registered to the image, in frame 'camera', got frame 'infrared'")
    show(41.0, Scene((48, 64)).depth(41.0))
    complaint('must be as large as the image, 128 x 96, got 64 x 48')
    assert heard == []


def test_a_paused_node_lets_no_depth_pass_by_old_masks(tester, ask, scene, complaint):
    heard = tester.listen(DEPTH, Image, SENSOR)
    ask(heard, 50.0)
    heard.clear()
    assert tester.call(SetBool, '/yolact/enable', SetBool.Request(data=False)).success
    tester.send(scene.depth(50.9), '/depth')
    tester.until(lambda: heard, 'a mask that is young enough serves still')
    tester.send(scene.depth(51.2), '/depth')
    complaint('the newest are 1.2 s older')
    assert tester.call(SetBool, '/yolact/enable', SetBool.Request(data=True)).success
    assert len(heard) == 1


def test_classes_that_nobody_finds_are_told_and_others_are_taken_out(
    tester, ask, settings, complaint, scene
):
    heard = tester.listen(DEPTH, Image, SENSOR)
    settings(removal__classes=['unicorn', 'chair'])
    values = values_of(ask(heard, 60.0))
    assert not values[8:20, :20].any()
    assert values[PERSON].all()
    complaint('the model knows no unicorn (removal.classes)')
    settings(removal__classes=['person'], classes=['cup'])
    ask(heard, 61.0)
    complaint('person must be among the parameter classes to be found')


def test_depth_is_not_even_subscribed_while_nobody_listens(start_node, tester, make_image):
    node = start_node('-r', '__ns:=/alone', before=see_colors(), diagnostics_period=0.2)
    node.wait_for('listens to /alone/image')
    tester.send(make_image(), '/alone/image')
    tester.spin(1.0)
    assert tester.node.count_subscribers('/alone/depth') == 0
    assert tester.node.count_subscribers('/alone/camera_info') == 0
    tester.listen('/alone/yolact/removed/depth', Image, SENSOR)
    tester.until(lambda: tester.node.count_subscribers('/alone/depth') == 1, 'depth is heard')


def test_compressed_depth_goes_out_raw(start_node, tester, make_image, scene):
    import cv2

    node = start_node(
        '-r',
        '__ns:=/packed',
        before=see_colors(),
        depth__transport='compressedDepth',
        removal__margin=0,
        removal__speed=0.0,
    )
    node.wait_for('listens to /packed/image')
    heard = tester.listen('/packed/yolact/removed/depth', Image, SENSOR)
    sent = scene.depth(3.0)
    _, png = cv2.imencode('.png', values_of(sent))
    message = CompressedImage(header=sent.header, format='16UC1; compressedDepth png')
    message.data = bytes(12) + png.tobytes()
    for _ in range(20):
        tester.send(make_image(scene.rgb, stamp=3.0), '/packed/image')
        tester.spin(0.3)
        tester.send(message, '/packed/depth/compressedDepth')
        tester.spin(0.3)
        if heard:
            break
    expected = values_of(sent).copy()
    expected[PERSON] = 0
    assert heard[-1].encoding == '16UC1'
    np.testing.assert_array_equal(values_of(heard[-1]), expected)
