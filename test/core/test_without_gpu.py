"""What only a GPU runs, as far as a CPU can tell."""

import time

import gpu_checks
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from yolact_core import Prediction, build_network, load_network
from yolact_core.inference.cuda import graphs
from yolact_core.inference.cuda.graphs import (
    MOST,
    PLAIN_CALLS,
    CudaGraphs,
    Recording,
    fastest_convolutions,
)
from yolact_core.inference.cuda.nms import select_instances
from yolact_core.inference.cuda.postprocessing import DevicePostprocessor
from yolact_core.inference.options import DetectorOptions
from yolact_core.runtimes.torch import TorchBackend
from yolact_core.timing import Clock

CUDA = torch.device('cuda')


class Transfers(TorchDispatchMode):
    """Notes what a CUDA graph cannot record: values asked for, and copies between devices."""

    WAIT = ('_local_scalar_dense', 'nonzero', 'masked_select', 'equal')

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        tensors = [one for one in (*args, result) if isinstance(one, torch.Tensor)]
        is_copy = 'copy' in function.__name__ and len({one.device.type for one in tensors}) > 1
        if is_copy or function.__name__.partition('.')[0] in self.WAIT:
            self.found.append(function.__name__)
        return result


@pytest.mark.parametrize('name', ['yolact_nanodet', 'yolact_plus_resnet50'])
def test_what_is_recorded_asks_for_no_value_and_stays_on_the_gpu(name):
    with FakeTensorMode():
        with CUDA:
            network = build_network(name)
        config = network.config
        priors = torch.empty(network.priors.shape, device=CUDA)
        factors = torch.empty(len(config.class_names), device=CUDA)
        images = torch.empty(1, 3, config.input_size, config.input_size, device=CUDA)
        postprocessor = DevicePostprocessor(config, priors, network.rescore)
        with torch.inference_mode(), Transfers() as transfers:
            single = Prediction(*(output[0] for output in network(images)))
            instances = select_instances(single, priors, factors, DetectorOptions(), config)
            outcome = postprocessor._assemble(single.prototypes, instances, (480, 640), 1000)
        assert {one.device.type for one in (*single, *instances, *outcome)} == {'cuda'}
    assert transfers.found == []


def test_transfers_are_noticed():
    with FakeTensorMode(), Transfers() as transfers:
        torch.empty(3, device=CUDA) + torch.tensor([1.0, 2.0, 3.0]).to(CUDA)
    assert transfers.found == ['_to_copy.default']


def test_recording_chooses_algorithms_and_changes_nothing_else(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)
    before = torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark
    with fastest_convolutions():
        assert torch.backends.cudnn.benchmark
        assert torch.backends.cudnn.enabled
        assert not torch.backends.cudnn.allow_tf32
    assert (torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark) == before


class PlayedAgain:
    """Stands for a graph: replaying calls the function again, on the same inputs and outputs."""

    def __init__(self, function, inputs):
        self.function, self.inputs = function, inputs
        self.outputs = tuple(one.clone() for one in function(*inputs))

    def replay(self):
        for there, here in zip(self.outputs, self.function(*self.inputs), strict=True):
            there.copy_(here)


class OnPaper(torch.Tensor):
    """A tensor of the CPU that says that it is on a GPU."""

    device = CUDA


@pytest.fixture
def recorded(monkeypatch):
    """Record without a GPU; return the number of inputs of each recording."""
    sizes = []

    def record(function, inputs):
        sizes.append(len(inputs[0]))
        static = tuple(one.clone() for one in inputs)
        graph = PlayedAgain(function, static)
        return Recording(graph, static, graph.outputs)

    monkeypatch.setattr(graphs, '_record', record)
    return sizes


def test_calls_that_repeat_are_recorded_and_replayed_with_new_values(recorded):
    runner = CudaGraphs()
    for number in range(PLAIN_CALLS + 4):
        values = torch.full((3,), float(number)).as_subclass(OnPaper)
        (found,) = runner.run('double', lambda one: (one * 2,), values)
        assert torch.Tensor.tolist(found) == [2.0 * number] * 3
        assert len(recorded) == int(number >= PLAIN_CALLS)


def test_the_recording_that_was_not_used_longest_makes_room(recorded):
    runner = CudaGraphs()

    def repeat(size, times=PLAIN_CALLS + 1):
        values = torch.zeros(size).as_subclass(OnPaper)
        for _ in range(times):
            runner.run('add', lambda one: (one + 1,), values)

    for size in range(1, MOST + 1):
        repeat(size)
    repeat(1, times=1)  # replayed: 2 is now the oldest
    repeat(MOST + 1)
    repeat(1)
    assert recorded == list(range(1, MOST + 2))
    repeat(2)
    assert recorded[-1] == 2


class HalfOnPaper(TorchBackend):
    """A network of the CPU that is treated as one on a GPU."""

    device = CUDA


def test_a_copy_in_float16_agrees_and_leaves_the_weights_alone(tiny_model, monkeypatch):
    monkeypatch.setattr('yolact_core.runtimes.torch.DevicePreprocessor', lambda *_: None)
    network = load_network(tiny_model)
    images = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    backend = HalfOnPaper(network, 'float16')
    with torch.inference_mode():
        for found, expected in zip(backend(images), network(images), strict=True):
            assert found.dtype == expected.dtype == torch.float32
            torch.testing.assert_close(found, expected, atol=0.02, rtol=0.02)
    assert {one.dtype for one in network.parameters()} == {torch.float32}


class Event:
    """Stands for an event of a GPU, which writes down when the GPU was there."""

    def __init__(self, enable_timing):
        assert enable_timing

    def record(self, _stream):
        self.at = time.perf_counter()

    def synchronize(self):
        """Be done already."""

    def elapsed_time(self, other):
        return 1000 * (other.at - self.at)


def test_what_the_cpu_did_after_the_gpu_counts_for_the_last_stage(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'Event', Event)
    monkeypatch.setattr(torch.cuda, 'current_stream', lambda _device: None)
    start = time.perf_counter()
    clock = Clock(CUDA)
    for stage in ('preprocess', 'network', 'preprocess'):
        time.sleep(0.01)
        clock.lap(stage)
    time.sleep(0.03)
    timing = clock.read()
    passed = time.perf_counter() - start
    assert 0.01 <= timing.network < timing.preprocess
    assert timing.preprocess >= 0.05
    assert 0.06 <= timing.total <= passed


@pytest.mark.slow
def test_the_checks_for_a_gpu_run_to_their_end(capsys):
    code = gpu_checks.main(['--device', 'cpu', '--config', 'yolact_nanodet', '--rounds', '1'])
    found = capsys.readouterr().out
    assert 'detections as on the CPU' in found
    assert 'TensorRT float16, image to detections' in found
    assert code in (0, 1)  # times on a CPU meet no goal


@pytest.mark.skipif(torch.cuda.is_available(), reason='is about machines without a GPU')
def test_the_checks_for_a_gpu_say_that_there_is_none(capsys):
    assert gpu_checks.main([]) == 2
    assert 'an NVIDIA GPU' in capsys.readouterr().out
