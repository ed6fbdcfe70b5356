"""A real node in its own process: topics, headers, QoS, services, life and end."""

import signal
import time

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import SetBool
from yolact.msg import InstanceArray, ModelInfo, StageTiming
from yolact.srv import SegmentImage

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
IMAGE_OUTPUTS = {
    'label_image': 'mono16',
    'label_image8': 'mono8',
    'class_mask': 'mono8',
    'confidence': 'mono8',
    'overlay': 'bgr8',
}


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node()
    node.wait_for('listens to /image')
    return node


@pytest.fixture
def instances(node, tester):
    return tester.listen('/yolact/instances', InstanceArray)


def test_what_is_found_carries_the_header_of_its_image(tester, instances, make_image):
    found = tester.ask(make_image(stamp=12.25, frame_id='left/optical'), instances)
    assert (found.header.stamp.sec, found.header.stamp.nanosec) == (12, 250_000_000)
    assert found.header.frame_id == 'left/optical'
    assert (found.image_height, found.image_width) == (96, 128)
    assert len(found.instances) > 0
    assert found.model_id.startswith('tiny@')


def test_what_is_found_is_what_the_detector_finds(
    tester, instances, make_image, photo, tiny_model
):
    from yolact_core import Detector

    found = tester.ask(make_image(), instances)
    expected = Detector.load(tiny_model, device='cpu', score_threshold=0.05)(photo)
    assert [one.class_name for one in found.instances] == expected.class_names
    np.testing.assert_allclose([one.score for one in found.instances], expected.scores, atol=1e-5)
    assert [one.mask.area for one in found.instances] == expected.masks.areas().tolist()


def test_sequences_count_processed_images(tester, instances, make_image):
    sequences = []
    for _ in range(3):
        instances.clear()
        sequences.append(tester.ask(make_image(), instances).sequence)
    assert sequences[2] - sequences[1] == 1 == sequences[1] - sequences[0]


@pytest.mark.parametrize(('topic', 'encoding'), IMAGE_OUTPUTS.items())
def test_image_outputs_have_the_size_and_header_of_their_image(
    node, tester, make_image, topic, encoding
):
    images = tester.listen(f'/yolact/{topic}', Image)
    tester.send(make_image(stamp=3.5))
    (image,) = tester.until(lambda: images, f'{topic} comes')
    assert (image.encoding, image.height, image.width) == (encoding, 96, 128)
    assert (image.header.stamp.sec, image.header.frame_id) == (3, 'camera')


def test_the_compressed_overlay_is_a_jpeg(node, tester, make_image):
    pictures = tester.listen('/yolact/overlay/compressed', CompressedImage)
    picture = tester.ask(make_image(), pictures)
    assert bytes(picture.data[:3]) == b'\xff\xd8\xff'


def test_prototypes_are_a_mosaic(node, tester, make_image):
    mosaics = tester.listen('/yolact/prototypes', Image)
    mosaic = tester.ask(make_image(stamp=2.0), mosaics)
    assert mosaic.encoding == 'rgb8'
    assert mosaic.header.stamp.sec == 2


def test_label_image_and_instances_belong_together(node, tester, instances, make_image):
    images = tester.listen('/yolact/label_image', Image)
    tester.ask(make_image(), images)
    tester.until(lambda: instances, 'instances come too')
    labels = np.frombuffer(images[0].data, np.uint16)
    assert set(np.unique(labels)) - {0} <= {one.label for one in instances[0].instances}


def test_who_comes_late_still_learns_which_model_runs(node, tester):
    infos = tester.listen('/yolact/model_info', ModelInfo, LATCHED)
    (info,) = tester.until(lambda: infos, 'model info comes')
    assert info.class_names == ['person', 'chair', 'cup']
    assert (info.config, info.backend, info.device, info.input_size) == (
        'tiny',
        'torch',
        'cpu',
        64,
    )
    assert info.precision == 'float32'


def test_timing_tells_stages_that_add_up_and_counters_that_add_up(node, tester, make_image):
    timings = tester.listen('/yolact/timing', StageTiming)
    timing = tester.ask(make_image(stamp=time.time() - 1), timings)
    stages = ('wait', 'decode', 'preprocess', 'inference', 'postprocess', 'encode')
    parts = [getattr(timing, stage) for stage in stages]
    assert all(part >= 0 for part in parts)
    assert 0.8 * timing.total <= sum(parts) <= 1.01 * timing.total
    assert timing.age_at_receive == pytest.approx(1, abs=0.5)
    outcomes = ('processed', 'dropped_busy', 'dropped_stale', 'unreadable', 'failed')
    assert timing.received == sum(getattr(timing, outcome) for outcome in outcomes)


def test_outputs_are_reliable_and_the_input_is_best_effort_with_a_queue_of_one(node, tester):
    for topic in ('instances', 'label_image', 'overlay', 'overlay/compressed', 'timing'):
        (publisher,) = tester.node.get_publishers_info_by_topic(f'/yolact/{topic}')
        assert publisher.qos_profile.reliability is ReliabilityPolicy.RELIABLE
        assert publisher.qos_profile.durability is DurabilityPolicy.VOLATILE
    (info,) = tester.node.get_publishers_info_by_topic('/yolact/model_info')
    assert info.qos_profile.durability is DurabilityPolicy.TRANSIENT_LOCAL
    subscribers = tester.node.get_subscriptions_info_by_topic('/image')
    (subscriber,) = (one for one in subscribers if one.node_name == 'yolact')
    assert subscriber.qos_profile.reliability is ReliabilityPolicy.BEST_EFFORT


def test_a_paused_node_stays_active_and_finds_nothing(node, tester, instances, make_image):
    assert tester.call(SetBool, '/yolact/enable', SetBool.Request(data=False)).success
    tester.send(make_image())
    tester.spin(0.5)
    assert instances == []
    assert tester.state() == 'active'
    assert tester.call(SetBool, '/yolact/enable', SetBool.Request(data=True)).success
    tester.ask(make_image(), instances)


def test_an_image_can_be_segmented_on_request(node, tester, make_image):
    answer = tester.call(
        SegmentImage, '/yolact/segment_image', SegmentImage.Request(image=make_image(stamp=9.0))
    )
    assert answer.success, answer.message
    assert answer.instances.header.stamp.sec == 9
    assert len(answer.instances.instances) > 0
    assert (answer.label_image.encoding, answer.label_image.height) == ('mono16', 96)


def test_a_request_may_name_threshold_and_classes(node, tester, make_image):
    request = SegmentImage.Request(image=make_image(), score_threshold=0.06, classes=['chair'])
    found = tester.call(SegmentImage, '/yolact/segment_image', request).instances.instances
    assert {one.class_name for one in found} <= {'chair'}
    assert all(one.score > 0.06 for one in found)


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'classes': ['unicorn']}, "classes must be among person, chair, cup, got 'unicorn'"),
        ({'score_threshold': 2.0}, 'score_threshold must be in [0, 1)'),
        ({'image': Image()}, ''),
    ],
)
def test_bad_requests_are_answered_in_words(node, tester, make_image, fields, words):
    request = SegmentImage.Request(**{'image': make_image(), **fields})
    answer = tester.call(SegmentImage, '/yolact/segment_image', request)
    assert not answer.success
    assert words in answer.message
    assert len(answer.message) > 10


def test_life_goes_through_its_services(node, tester, instances, make_image):
    assert tester.change_state('deactivate')
    assert tester.state() == 'inactive'
    answer = tester.call(
        SegmentImage, '/yolact/segment_image', SegmentImage.Request(image=make_image())
    )
    assert answer.message == 'the node must be active to segment images'
    assert tester.change_state('cleanup')
    tester.until(
        lambda: tester.node.count_publishers('/yolact/overlay') == 0, 'the outputs are gone'
    )
    assert not tester.change_state('activate')
    assert tester.change_state('configure')
    assert tester.change_state('activate')
    assert tester.state() == 'active'
    tester.until(lambda: tester.node.count_publishers('/yolact/instances'), 'outputs are back')
    assert tester.ask(make_image(), instances).sequence == 1


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(start_node, number):
    node = start_node('-r', '__ns:=/ending')
    node.wait_for('listens to /ending/image')
    began = time.monotonic()
    assert node.stop(number) == 0, node.log
    assert time.monotonic() - began < 2
    assert 'Traceback' not in node.log


def test_without_autostart_it_waits_and_says_so(start_node):
    node = start_node('-r', '__ns:=/waiting', autostart=False)
    node.wait_for('waits to be configured and activated: autostart is off')
    assert node.stop() == 0


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({'model__name': 'unheard_of'}, "cannot configure: model must be one of .*'unheard_of'"),
        ({'model__device': 'abacus'}, "device must be auto, cpu, cuda or cuda:N, got 'abacus'"),
        ({'classes': ['unicorn']}, "classes must be among person, chair, cup, got 'unicorn'"),
        ({'nms': 'soft'}, "cannot start: nms must be one of fast, traditional, got 'soft'"),
        ({'score_threshold': 1.5}, 'cannot start: .*score_threshold'),
        (
            {'qos_overrides./failing/image.subscription.reliability': 'maybe'},
            'cannot activate: .*reliability',
        ),
    ],
)
def test_a_node_that_cannot_start_says_why_and_exits_with_2(start_node, parameters, words):
    import re

    node = start_node('-r', '__ns:=/failing', **parameters)
    assert node.wait() == 2
    assert re.search(words, node.log), node.log
    assert 'Traceback' not in node.log
