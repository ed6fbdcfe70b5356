"""Where the network leaves the CPU alone images are read while they wait, all else is the same."""

import threading
import time
from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from yolact.msg import InstanceArray, StageTiming

from yolact_core import Detector
from yolact_ros.node.mailbox import Frame, Mailbox
from yolact_ros.node.model import Model
from yolact_ros.node.read_ahead import ReadAhead

AS_WITH_A_GPU = """
from yolact_ros.node.model import Model
from yolact_ros.node.read_ahead import ReadAhead

def put(self, frame, put=ReadAhead.put):
    print('reads ahead')
    put(self, frame)

Model.runs_on_cpu, ReadAhead.put = False, put
"""
OUTCOMES = ('processed', 'dropped_busy', 'dropped_stale', 'unreadable', 'failed')


class SlowPipeline:
    interval = 0.0

    def __init__(self):
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.read_frames = []

    def read(self, frame):
        self.begun.set()
        assert self.may_end.wait(5)
        self.read_frames.append(frame.data)
        return frame.data.decode()


@pytest.fixture
def pipeline():
    return SlowPipeline()


@pytest.fixture
def mailbox():
    return Mailbox([''])


@pytest.fixture
def ahead(mailbox, pipeline):
    ahead = ReadAhead(mailbox, pipeline)
    yield ahead
    pipeline.may_end.set()
    ahead.stop()


def frame(data):
    return Frame('', data, 0.0, 0)


def test_a_frame_is_read_before_anybody_takes_it(ahead, pipeline, mailbox):
    pipeline.may_end.set()
    ahead.put(frame(b'1'))
    assert pipeline.begun.wait(5)
    (taken,) = mailbox.take(1)
    assert taken.reading.result(5) == '1'


def test_frames_that_are_replaced_before_their_turn_are_never_read(ahead, pipeline, mailbox):
    ahead.put(frame(b'1'))
    assert pipeline.begun.wait(5)
    for data in (b'2', b'3', b'4'):
        ahead.put(frame(data))
    pipeline.may_end.set()
    (taken,) = mailbox.take(1)
    assert taken.reading.result(5) == '4'
    assert pipeline.read_frames == [b'1', b'4']
    assert mailbox.counters('').dropped_busy == 3


def test_frames_that_most_likely_are_not_wanted_are_not_read(ahead, pipeline, mailbox):
    pipeline.may_end.set()
    mailbox.pause(True)
    ahead.put(frame(b'1'))
    assert not pipeline.begun.wait(0.2)
    mailbox.pause(False)
    pipeline.interval = 0.5
    ahead.put(frame(b'2'))
    assert mailbox.take(1)[0].reading is None
    assert pipeline.read_frames == []


@pytest.mark.parametrize(
    ('device', 'backend', 'expected'),
    [
        ('cpu', 'onnx', True),
        ('cpu', 'tensorrt', False),
        ('cuda:0', 'torch', False),
        ('cuda:0', 'tensorrt', False),
    ],
)
def test_a_network_on_a_gpu_leaves_the_cpu_alone(device, backend, expected):
    model = Model(SimpleNamespace(device=device), '', backend, '', ())
    assert model.runs_on_cpu is expected


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node(before=AS_WITH_A_GPU)
    node.wait_for('listens to /image')
    return node


def test_what_is_found_is_the_same(node, tester, make_image, photo, tiny_model):
    instances = tester.listen('/yolact/instances', InstanceArray)
    found = tester.ask(make_image(stamp=12.25), instances)
    expected = Detector.load(tiny_model, device='cpu', score_threshold=0.05)(photo)
    node.wait_for('reads ahead')
    assert found.header.stamp.sec == 12
    assert [one.mask.area for one in found.instances] == expected.masks.areas().tolist()


def test_times_and_counters_add_up_and_bad_images_are_counted(node, tester, make_image):
    timings = tester.listen('/yolact/timing', StageTiming)
    timing = tester.ask(make_image(stamp=time.time()), timings)
    stages = ('wait', 'decode', 'preprocess', 'inference', 'postprocess', 'encode')
    parts = [getattr(timing, stage) for stage in stages]
    assert all(part >= 0 for part in parts)
    assert 0.8 * timing.total <= sum(parts) <= 1.01 * timing.total
    broken = make_image()
    broken.step = 1
    tester.send(broken)
    node.wait_for('step of a rgb8 image of 128 x 96 must be at least 384 bytes, got 1')
    timings.clear()
    timing = tester.ask(make_image(stamp=time.time()), timings)
    assert timing.unreadable >= 1
    assert timing.received == sum(getattr(timing, outcome) for outcome in OUTCOMES)


def test_stale_images_are_refused_still(node, tester, make_image):
    assert tester.set_parameters({'max_age': 0.5})[0].successful
    timings = tester.listen('/yolact/timing', StageTiming)
    tester.send(make_image(stamp=time.time() - 5))
    tester.spin(0.5)
    timing = tester.ask(make_image(stamp=time.time()), timings)
    assert timing.dropped_stale >= 1
