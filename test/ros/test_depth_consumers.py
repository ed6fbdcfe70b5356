"""Programs without ROS take depth outputs as a costmap layer and as SLAM do."""

import time

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')
pytest.importorskip('cyclonedds', reason='needs Cyclone DDS: pip install cyclonedds')

from colored_scenes import WALL, Scene, see_colors
from cyclone_process import start
from sensor_msgs.msg import CameraInfo, Image

SIZE, FOCAL = (120, 160), 130.0
NETWORK = 0.2  # seconds that the network takes
RATE = 30.0  # images and depth images a second
SLOWER = 0.7  # lengths of its own that the person walks in a second
PERIOD_NS = round(1e9 / RATE)


@pytest.fixture
def consume(domain, tester, tmp_path):
    """Let a consumer hear topics while something is done, and return what it has heard."""

    def run(work, quality, *topics):
        output = tmp_path / 'heard.npz'
        with start('cyclone_consumer.py', domain, output, quality, *topics) as process:
            assert process.stdout.readline() == 'ready\n'
            work()
            _, said = process.communicate('end\n', timeout=60)[0], process.returncode
            assert said == 0
        with np.load(output) as arrays:
            heard = dict(arrays)
        assert not heard['has_rclpy']
        return heard

    return run


@pytest.fixture
def film(tester, make_image):
    """Publish what a moving camera scene shows, at 30 Hz, and return when which depth was sent."""

    def shoot(scene_at, seconds, prefix=''):
        depths = tester.advertise(f'{prefix}/depth', Image)
        infos = tester.advertise(f'{prefix}/camera_info', CameraInfo)
        images = tester.advertise(f'{prefix}/image', Image)
        sent, began = {}, time.monotonic()
        for index in range(round(seconds * RATE)):
            time.sleep(max(0.0, began + index / RATE - time.monotonic()))
            stamp = 100 + index / RATE
            scene = scene_at(stamp)
            infos.publish(scene.camera_info(stamp))
            images.publish(make_image(scene.rgb, stamp=stamp))
            depth = scene.depth(stamp)
            sent[depth.header.stamp.sec * 10**9 + depth.header.stamp.nanosec] = time.monotonic()
            depths.publish(depth)
        time.sleep(1.0)
        return sent

    return shoot


def scene_with_a_person(stamp):
    """Return a scene with a chair, and a person of 60 by 20 pixels who walks to and fro."""
    way = 60 * SLOWER * (stamp - 100) % 120
    left = round(min(way, 120 - way))
    scene = Scene(SIZE, FOCAL).place('chair', (slice(70, 110), slice(125, 155)), 3.0)
    return scene.place('person', (slice(40, 100), slice(left, left + 20)), 2.0)


def test_slam_gets_each_depth_image_once_and_never_a_person(start_node, consume, film):
    node = start_node('-r', '__ns:=/slam', before=see_colors(NETWORK), removal__margin=2)
    node.wait_for('listens to /slam/image')
    sent = {}
    heard = consume(
        lambda: sent.update(film(scene_with_a_person, 8.0, '/slam')),
        'reliable',
        'Image:/slam/yolact/removed/depth',
    )
    stamps = heard['/slam/yolact/removed/depth:stamp'].tolist()
    arrivals = heard['/slam/yolact/removed/depth:arrival'].tolist()
    images = heard['/slam/yolact/removed/depth:data'].view(np.uint16).reshape(-1, *SIZE)
    expected = [stamp for stamp in sent if stamp >= stamps[0]]
    assert len(expected) > 5 * RATE  # nothing went out before there was a mask
    assert stamps == expected
    for stamp, values in zip(stamps, images, strict=True):
        scene = scene_with_a_person(stamp / 1e9)
        assert not values[scene.metres == 2.0].any()
        assert (values == WALL * 1000).mean() > 0.1
        assert (values == 3000).any()
    delays = np.array(arrivals) - [sent[stamp] for stamp in stamps]
    median, late = np.percentile(delays, [50, 95]) * 1e3
    print(f'depth without people after {median:.1f} ms (95 %: {late:.1f} ms)')  # noqa: T201
    assert median < 10


def test_a_costmap_layer_gets_points_and_masks_that_fit(start_node, consume, film):
    node = start_node('-r', '__ns:=/nav', before=see_colors(), nav__width=80)
    node.wait_for('listens to /nav/image')
    topics = {
        name: f'/nav/yolact/nav/{name}'
        for name in ('class_mask', 'confidence', 'points', 'camera_info')
    }
    heard = consume(
        lambda: film(scene_with_a_person, 6.0, '/nav'),
        'sensor_data',
        f'Image:{topics["class_mask"]}',
        f'Image:{topics["confidence"]}',
        f'PointCloud2:{topics["points"]}',
        f'CameraInfo:{topics["camera_info"]}',
    )
    stamps = {name: heard[f'{topic}:stamp'] for name, topic in topics.items()}
    common = set.intersection(*(set(each.tolist()) for each in stamps.values()))
    assert len(common) > 20
    for name, topic in topics.items():
        assert (heard[f'{topic}:height'] == 60).all(), name
        assert (heard[f'{topic}:width'] == 80).all(), name
    assert (heard[f'{topics["class_mask"]}:step'] == 80).all()

    def take(name, stamp, kind, *shape):
        index = np.flatnonzero(stamps[name] == stamp)[0]
        return heard[f'{topics[name]}:data'][index].view(kind).reshape(60, 80, *shape)

    for stamp in common:
        classes, confidence = (
            take(name, stamp, np.uint8) for name in ('class_mask', 'confidence')
        )
        points = take('points', stamp, np.float32, 3)
        assert set(np.unique(classes)) == {0, 1, 2}  # background, person and chair
        for number, metres, score in ((1, 2.0, 230), (2, 3.0, 204)):
            own = points[classes == number]
            assert (confidence[classes == number] == score).all()
            np.testing.assert_allclose(own[:, 2], metres, atol=1e-3)
            window = np.argwhere(scene_with_a_person(stamp / 1e9).metres == metres)
            edges = (np.array([window.min(axis=0), window.max(axis=0)]) - [59.5, 79.5]) / FOCAL
            low, high = edges[:, ::-1] * metres
            assert (own[:, :2] >= low - 1e-3).all()
            assert (own[:, :2] <= high + 1e-3).all()
            assert np.ptp(own[:, :2], axis=0) == pytest.approx(high - low, abs=3 * metres / FOCAL)
        assert not confidence[classes == 0].any()
        np.testing.assert_allclose(points[classes == 0][:, 2], WALL, atol=1e-3)
