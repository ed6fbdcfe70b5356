"""What a running node says about itself, and about why images do not come."""

import os
import subprocess
import sys
import time

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from yolact.msg import InstanceArray

pytestmark = pytest.mark.filterwarnings(  # of rclpy itself, where QoS is incompatible
    'ignore:Deprecated in favor of:DeprecationWarning'
)

OK, WARN, ERROR = b'\x00', b'\x01', b'\x02'
CAMERAS = ['alive', 'lonely', 'strict', 'lossy', 'other']
SEND_LARGE_IMAGES = """
import time, rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node('camera')
publisher = node.create_publisher(Image, '/lossy/image', qos_profile_sensor_data)
image = Image(height=720, width=1280, step=3840, encoding='bgr8')
image.data.frombytes(bytes(720 * 3840))
while rclpy.ok():
    publisher.publish(image)
    time.sleep(1 / 30)
"""


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node(
        cameras=CAMERAS,
        silence_timeout=1.0,
        diagnostics_period=0.2,
        **{
            'qos_overrides./strict/image.subscription.reliability': 'reliable',
            'qos_overrides./yolact/alive/label_image.publisher.reliability': 'best_effort',
        },
    )
    node.wait_for('listens to /alive/image')
    return node


@pytest.fixture
def status(node, tester):
    """Return a status by the name of its task, as it is said next."""
    arrays = tester.listen('/diagnostics', DiagnosticArray)

    def read(task):
        arrays.clear()
        tester.until(lambda: arrays, 'diagnostics come')
        return {one.name: one for one in arrays[-1].status}[f'yolact: {task}']

    return read


@pytest.fixture
def wait_for(status):
    """Wait until a status says something."""

    def wait(task, words, timeout=15.0):
        end = time.monotonic() + timeout
        while words not in (said := status(task)).message:
            assert time.monotonic() < end, f'{task} says {said.message!r}, not {words!r}'
        return said

    return wait


def values(status):
    return {pair.key: pair.value for pair in status.values}


def test_the_model_and_where_it_runs(status):
    said = status('model')
    assert said.level == OK
    assert said.hardware_id == 'cpu'
    assert values(said)['model_id'].startswith('tiny@')


def test_memory_is_told(status):
    assert float(values(status('memory'))['resident (MB)']) > 50


def test_rates_latencies_and_counts_of_a_camera_that_works(tester, status, make_image):
    heard = tester.listen('/yolact/alive/instances', InstanceArray)
    tester.ask(make_image(), heard, '/alive/image')
    said, end = None, time.monotonic() + 30
    while said is None or said.level != OK:  # a busy machine sends unevenly, which looks like loss
        assert time.monotonic() < end, f'alive input says {said.message!r}'
        for _ in range(20):
            tester.send(make_image(), '/alive/image')
            tester.spin(0.05)
        said = status('alive input')
    assert 'images a second on /alive/image' in said.message
    assert float(values(said)['rate (Hz)']) > 1
    latency = values(status('alive latency'))
    assert 0 < float(latency['total p50 (ms)']) <= float(latency['total p95 (ms)'])
    assert float(latency['total p95 (ms)']) <= float(latency['total max (ms)'])
    counts = values(status('alive freshness'))
    assert int(counts['processed']) >= 1
    assert int(counts['received']) == int(counts['processed']) + int(counts['dropped_busy'])


def test_a_topic_without_publisher_is_named_and_others_are_proposed(tester, wait_for):
    tester.node.create_publisher(Image, '/somewhere/image_raw', 1)
    said = wait_for('lonely input', '/somewhere/image_raw')
    assert said.level == ERROR
    assert 'no image on /lonely/image' in said.message
    assert 'it has no publisher; images come on ' in said.message
    assert '-r lonely/image:=/somewhere/image_raw' in said.message


def test_a_node_of_the_same_name_is_told(wait_for, start_node):
    assert wait_for('peers', 'no other node is called /yolact').level == OK
    other = start_node(autostart=False)
    assert wait_for('peers', 'another node is called /yolact, too').level == WARN
    other.stop()


def test_simulated_time_that_nobody_tells_is_told(start_node, tester):
    waiting = start_node('-r', '__node:=waiting', autostart=False, use_sim_time=True)
    arrays = tester.listen('/diagnostics', DiagnosticArray)
    said = 'use_sim_time is on, but no time comes on /clock'
    tester.until(
        lambda: any(one.message == said for array in arrays for one in array.status), 'it is told'
    )
    waiting.stop()


def test_incompatible_qos_is_told_with_its_policy(tester, wait_for, node, make_image):
    from rclpy.qos import ReliabilityPolicy

    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    tester.node.create_publisher(Image, '/strict/image', qos).publish(make_image())
    said = wait_for('strict input', 'incompatible QoS, policy RELIABILITY')
    assert said.level == ERROR
    assert 'qos_overrides./strict/image.subscription.reliability' in said.message
    node.wait_for('a publisher on /strict/image and this node have incompatible QoS')


def test_a_publisher_of_another_type_is_told(tester, wait_for):
    tester.node.create_publisher(CompressedImage, '/other/image', 1)
    said = wait_for('other input', 'sends sensor_msgs/msg/CompressedImage')
    assert said.level == ERROR
    assert 'image_transport' in said.message


def test_a_subscriber_that_cannot_hear_is_told(tester, wait_for):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    tester.node.create_subscription(Image, '/yolact/alive/overlay', lambda _: None, latched)
    said = wait_for('alive outputs', 'DURABILITY')
    assert said.level == WARN
    assert '~/overlay' in said.message


def test_images_that_get_lost_on_the_way_are_told_with_the_remedy(domain, wait_for):
    environment = {**os.environ, 'ROS_DOMAIN_ID': str(domain)}
    del environment['FASTDDS_DEFAULT_PROFILES_FILE']
    camera = subprocess.Popen([sys.executable, '-c', SEND_LARGE_IMAGES], env=environment)
    try:
        said = wait_for('lossy input', 'FASTDDS_DEFAULT_PROFILES_FILE')
        assert said.level in (WARN, ERROR)
        assert 'on the way' in said.message or 'did not arrive' in said.message
    finally:
        camera.terminate()
        camera.wait()


def test_broken_images_are_an_error_with_the_reason(tester, wait_for, make_image):
    tester.send(make_image(encoding='plaid8'), '/alive/image')
    for _ in range(5):
        tester.send(make_image(encoding='plaid8'), '/alive/image')
    said = wait_for('alive freshness', 'skipped: ')
    assert said.level == ERROR
    assert 'plaid8' in said.message


def test_stamps_from_the_future_are_told(tester, wait_for, make_image):
    heard = tester.listen('/yolact/alive/instances', InstanceArray)
    tester.ask(make_image(stamp=time.time() + 50), heard, '/alive/image')
    tester.send(make_image(stamp=time.time() + 50), '/alive/image')
    said = wait_for('alive freshness', 'ahead of the clock')
    assert said.level == WARN


def test_a_camera_that_stops_is_told(tester, wait_for, make_image):
    heard = tester.listen('/yolact/alive/instances', InstanceArray)
    tester.ask(make_image(), heard, '/alive/image')
    assert wait_for('alive input', 'has stopped sending').level == WARN


def test_a_node_that_does_not_work_says_what_it_waits_for(tester, status, wait_for):
    assert status('state').message == 'active'
    assert tester.change_state('deactivate')
    said = wait_for('state', 'waits to be activated')
    assert said.level == WARN
    assert tester.change_state('activate')


def test_outputs_can_be_given_another_qos_from_outside(node, tester):
    def reliability(topic):
        (publisher,) = tester.node.get_publishers_info_by_topic(topic)
        return publisher.qos_profile.reliability

    assert reliability('/yolact/alive/label_image') == ReliabilityPolicy.BEST_EFFORT
    assert reliability('/yolact/alive/overlay') == ReliabilityPolicy.RELIABLE
