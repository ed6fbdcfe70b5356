"""The fastest backend is found by measuring, once."""

import logging
import time

import pytest
import torch

from yolact_core import Detector, InputError, load_network
from yolact_core.runtimes import model_loading
from yolact_core.runtimes.fastest import Choice, choose_fastest, recall, remember, situation
from yolact_core.runtimes.registry import RUNTIMES, Runtime
from yolact_core.runtimes.torch import TorchBackend

FACTS = {'model': 'tiny-0123', 'threads': 2}


class Delayed(TorchBackend):
    def __init__(self, network, seconds):
        super().__init__(network)
        self.seconds = seconds

    def __call__(self, images):
        time.sleep(self.seconds)
        return super().__call__(images)


def test_the_fastest_is_chosen_and_all_times_are_told(tiny_model):
    network = load_network(tiny_model)
    choice = choose_fastest({'slow': Delayed(network, 0.2), 'quick': Delayed(network, 0.0)})
    assert choice.backend == 'quick'
    assert choice.milliseconds['slow'] > 200
    assert str(Choice('a', {'a': 12.3, 'b': 40.0})) == 'a (a 12 ms, b 40 ms)'


def test_a_choice_is_remembered_for_its_situation_only(tmp_path):
    choice = Choice('onnx', {'torch': 9.0, 'onnx': 6.0})
    assert recall(FACTS, tmp_path) is None
    remember(choice, FACTS, tmp_path)
    assert recall(FACTS, tmp_path) == choice
    assert recall({**FACTS, 'threads': 1}, tmp_path) is None


def test_a_damaged_record_is_no_record(tmp_path):
    remember(Choice('onnx', {}), FACTS, tmp_path)
    (record,) = (tmp_path / 'choices').iterdir()
    record.write_text('{"backend"')
    assert recall(FACTS, tmp_path) is None


def test_a_situation_is_model_precision_machine_and_versions(monkeypatch):
    facts = situation('tiny-0123', 'auto')
    assert facts['threads'] == torch.get_num_threads()
    assert facts['versions']['torch'] == torch.__version__.split('+')[0]
    assert facts != situation('tiny-0123', 'bfloat16')
    monkeypatch.setenv('OMP_WAIT_POLICY', 'other')
    assert facts != situation('tiny-0123', 'auto')


@pytest.mark.slow
def test_auto_measures_once_and_says_what_it_picked(tiny_model, tmp_path, monkeypatch, caplog):
    pytest.importorskip('onnxruntime')
    monkeypatch.delenv('YOLACT_BACKEND')
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    caplog.set_level(logging.INFO, 'yolact_core')
    first = Detector.load(tiny_model, device='cpu')
    assert 'measuring backends for tiny, once' in caplog.text
    assert f'backend auto for tiny: {first.backend} (' in caplog.text
    caplog.clear()
    assert Detector.load(tiny_model, device='cpu').backend == first.backend
    assert 'measuring' not in caplog.text


def test_a_cache_that_cannot_be_written_keeps_no_model_from_running(
    tiny_model, tmp_path, monkeypatch, caplog
):
    pytest.importorskip('openvino')
    (tmp_path / 'file').touch()
    monkeypatch.delenv('YOLACT_BACKEND')
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path / 'file' / 'cache'))
    monkeypatch.setattr(model_loading, 'RUNTIMES', {'openvino': RUNTIMES['openvino']})
    assert Detector.load(tiny_model, device='cpu').backend == 'torch'
    assert 'backend openvino takes no part' in caplog.text


def test_a_failure_to_remember_is_told_and_no_more(tiny_model, tmp_path, monkeypatch, caplog):
    def fail(*_):
        raise PermissionError('read-only')

    monkeypatch.delenv('YOLACT_BACKEND')
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    monkeypatch.setattr(model_loading, 'remember', fail)
    monkeypatch.setattr(
        model_loading, '_measure', lambda *_: (Choice('torch', {'torch': 1, 'x': 2}), True)
    )
    installed = Runtime('x', '.x', 'nowhere', ('torch',), 'pip install x', ('cpu',))
    monkeypatch.setattr(model_loading, 'RUNTIMES', {'x': installed})
    assert Detector.load(tiny_model, device='cpu').backend == 'torch'
    assert 'the choice of the backend cannot be remembered: read-only' in caplog.text


def test_a_runtime_without_gpus_runs_on_the_cpu_beside_one(tiny_model, monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(model_loading, '_build', lambda *arguments: asked.append(arguments))
    monkeypatch.setattr(model_loading.Runtime, 'require', lambda _: None)
    model_loading.load_backend(tiny_model, backend='openvino')
    assert asked[0][2] == torch.device('cpu')


def test_the_environment_can_stand_for_auto(tiny_model, monkeypatch):
    monkeypatch.setenv('YOLACT_BACKEND', 'torch')
    assert Detector.load(tiny_model, device='cpu').backend == 'torch'
    monkeypatch.setenv('YOLACT_BACKEND', 'caffe')
    with pytest.raises(InputError, match=r"YOLACT_BACKEND must be one of auto, .*, got 'caffe'"):
        Detector.load(tiny_model, device='cpu')
