"""The fastest backend is found by measuring, once, and never silently on a busy machine."""

import logging

import pytest
import torch

from yolact_core import Detector, InputError, cores, load_network
from yolact_core.benchmark.explanation import explain
from yolact_core.runtimes import auto, model_loading
from yolact_core.runtimes.auto import Question, ask, choose, least_precision, objection
from yolact_core.runtimes.choices import Candidate, Choice, recall, remember, situation
from yolact_core.runtimes.fastest import summarise
from yolact_core.runtimes.model_loading import offer_int8
from yolact_core.runtimes.registry import RUNTIMES, Runtime

FACTS = {'model': 'tiny-0123', 'threads': 2, 'cores': 2}
A, B = Candidate('a', 'float32'), Candidate('b', 'float32')
NATIVE = 'fpu avx512_bf16 sse'


@pytest.fixture
def others(monkeypatch):
    """Let others use so many cores: none, unless a test says more."""
    found = [0.0]
    monkeypatch.setattr(auto.CoreMeter, 'others', lambda _: found[0])
    monkeypatch.setattr(auto, 'WATCHED', 0.0)
    return found


@pytest.fixture
def cpu(monkeypatch, tmp_path):
    """Give the CPU other flags, and another maker."""
    monkeypatch.setattr(cores, 'CPU', tmp_path / 'cpuinfo')

    def change(flags, vendor='AuthenticAMD'):
        cores.CPU.write_text(f'processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n')

    return change


def test_a_choice_is_remembered_for_its_situation_only(tmp_path):
    choice = Choice(B, summarise({A: [9.0, 9.0], B: [6.0, 7.0]}), 0.1)
    assert recall(FACTS, tmp_path) is None
    remember(choice, FACTS, tmp_path)
    assert recall(FACTS, tmp_path) == choice
    assert recall({**FACTS, 'threads': 1}, tmp_path) is None
    assert str(choice) == 'b float32 (b float32 6500 ms, a float32 9000 ms)'


def test_a_damaged_record_is_no_record(tmp_path):
    remember(Choice(A), FACTS, tmp_path)
    (record,) = (tmp_path / 'choices').iterdir()
    record.write_text('{"candidate"')
    assert recall(FACTS, tmp_path) is None


def test_a_situation_is_model_candidates_machine_and_versions(monkeypatch):
    facts = situation('tiny-0123', [A])
    assert facts['threads'] == torch.get_num_threads()
    assert facts['versions']['torch'] == torch.__version__.split('+')[0]
    assert facts != situation('tiny-0123', [A, B])
    monkeypatch.setenv('OMP_WAIT_POLICY', 'other')
    assert facts != situation('tiny-0123', [A])


def answer(others, folder, monkeypatch):
    """Return what is chosen of a slow candidate that is preferred, and a fast one."""
    monkeypatch.setenv('YOLACT_CACHE', str(folder))
    built = []

    def build(candidate):
        built.append(candidate)
        return candidate

    monkeypatch.setattr(
        auto, 'measure_in_turn', lambda backends: summarise({A: [9.0] * 5, B: [6.0] * 5})
    )
    choice, backend = choose(Question('tiny', (A, B), FACTS), build)
    assert backend == choice.candidate
    return choice, built


def test_beside_others_the_robust_one_runs_unmeasured_and_the_log_says_so(
    others, tmp_path, monkeypatch, caplog
):
    others[0] = 0.7
    choice, built = answer(others, tmp_path, monkeypatch)
    assert choice == Choice(A, others=0.7)
    assert built == [A]
    (sentence,) = caplog.messages
    assert sentence.startswith('backends for tiny are not measured while other processes use 0.7')
    others[0] = 0.1
    assert answer(others, tmp_path, monkeypatch)[0].candidate == B
    others[0] = 0.7
    caplog.clear()
    assert answer(others, tmp_path, monkeypatch) == (recall(FACTS, tmp_path), [B])
    assert not caplog.messages


def test_a_choice_that_others_disturbed_holds_for_now_only(tmp_path, monkeypatch, caplog):
    found = iter([0.0, 1.2])
    monkeypatch.setattr(auto.CoreMeter, 'others', lambda _: next(found))
    choice, _ = answer(None, tmp_path, monkeypatch)
    assert choice.candidate == B
    assert recall(FACTS, tmp_path) is None
    assert 'holds for now only: other processes used 1.2 of 2 cores' in caplog.text


def test_others_may_use_cores_that_no_thread_of_ours_wants(others, tmp_path, monkeypatch):
    others[0] = 1.0
    monkeypatch.setitem(FACTS, 'cores', 4)
    assert answer(others, tmp_path, monkeypatch)[0].candidate == B


def test_a_robust_backend_that_does_not_load_is_passed_over(others, tmp_path, monkeypatch, caplog):
    others[0] = 2.0
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))

    def build(candidate):
        if candidate == A:
            raise InputError('no')
        return candidate

    assert choose(Question('tiny', (A, B), FACTS), build) == (Choice(B, others=2.0), B)
    assert 'backend a float32 takes no part: no' in caplog.text


@pytest.mark.parametrize(
    ('flags', 'vendor', 'expected'),
    [
        ('avx512_bf16', 'AuthenticAMD', 'bfloat16'),
        ('avx512_bf16 amx_bf16', 'GenuineIntel', 'bfloat16'),
        ('avx512_bf16', 'GenuineIntel', 'float32'),
    ],
)
def test_unmeasured_runs_the_first_backend_in_what_is_surely_its_best_precision(
    flags, vendor, expected, others, cpu, tmp_path, monkeypatch
):
    others[0] = 2.0
    cpu(flags, vendor)
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    question = Question('tiny', (A, B, Candidate('a', 'bfloat16')), FACTS)
    assert choose(question, lambda one: one)[0].candidate == Candidate('a', expected)
    precision = least_precision(RUNTIMES['openvino'], {'bfloat16': 0.05})
    assert precision == ('auto' if expected == 'float32' else expected)


def test_a_reduced_precision_takes_part_if_the_cpu_has_it_and_the_loss_is_known_and_small(cpu):
    cpu(NATIVE)
    assert objection('bfloat16', {'bfloat16': 0.05}) == ''
    assert 'loses 0.2 points' in objection('bfloat16', {'bfloat16': 0.2})
    assert 'does not say' in objection('bfloat16', {'int8': 0.05})
    cpu('fpu sse')
    assert 'this CPU has neither of amx_bf16, avx512_bf16' in objection('bfloat16', {})


def test_candidates_are_pairs_of_backend_and_precision_in_order_of_preference(
    tiny_model, cpu, monkeypatch
):
    monkeypatch.setattr(Runtime, 'is_installed', True)
    network = load_network(tiny_model)
    plain = ['openvino float32', 'onnx float32', 'ncnn float32', 'torch float32']
    small = {'bfloat16': 0.05}
    cpu(NATIVE)
    for precision, losses, expected in (
        ('auto', small, [*plain, 'openvino bfloat16', 'ncnn bfloat16']),
        ('auto', {}, plain),
        ('float32', small, plain),
        ('bfloat16', {}, ['openvino bfloat16', 'ncnn bfloat16', 'torch bfloat16']),
        ('float16', {}, ['torch float16']),
    ):
        assert list(map(str, ask(network, precision, losses).candidates)) == expected
    assert least_precision(RUNTIMES['openvino'], small) == 'bfloat16'
    assert least_precision(RUNTIMES['onnx'], small) == 'auto'


@pytest.mark.slow
def test_auto_measures_once_and_says_what_it_picked(
    tiny_model, tmp_path, monkeypatch, caplog, others
):
    pytest.importorskip('onnxruntime')
    monkeypatch.delenv('YOLACT_BACKEND')
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    caplog.set_level(logging.INFO, 'yolact_core')
    first = Detector.load(tiny_model, device='cpu')
    assert 'measuring backends for tiny, once' in caplog.text
    assert f'backend auto for tiny: {first.backend} float32 (' in caplog.text
    caplog.clear()
    assert Detector.load(tiny_model, device='cpu').backend == first.backend
    assert 'measuring' not in caplog.text
    explanation = explain(str(tiny_model), 'cpu')
    assert explanation.headline == f'auto runs tiny with {first.backend} in float32.'
    assert {row[0] for row in explanation.rows} >= {'torch', 'onnx'}
    assert [row[-1] for row in explanation.rows if row[0] == first.backend] == ['taken']
    said = '\n'.join(explanation.remarks)
    for part in ('choices/', 'bfloat16 takes no part: ', 'OMP_WAIT_POLICY', '--backend NAME'):
        assert part in said


def test_an_explanation_says_why_nothing_was_measured(tiny_model, tmp_path, monkeypatch, others):
    pytest.importorskip('openvino')
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    others[0] = 1.5
    explanation = explain(str(tiny_model), 'cpu')
    assert explanation.rows == ()
    assert 'Nothing was measured: other processes keep the cores busy' in explanation.remarks[0]
    assert 'YOLACT_BACKEND=torch stands for auto' in explanation.remarks[-1]
    assert explain('mine.xml').headline == 'mine.xml is an exported file, which openvino runs.'


def test_int8_is_offered_in_words(tmp_path):
    model = tmp_path / 'mine.safetensors'
    model.touch()
    assert offer_int8(model, {'bfloat16': 0.1}) == ''
    assert offer_int8(model, {'int8': 0.4}).endswith('is faster and loses 0.4 points of mask AP')
    (tmp_path / 'mine-int8.xml').touch()
    assert 'mine-int8.xml, which is faster' in offer_int8(model, {'int8': 0.4})


def test_a_cache_that_cannot_be_written_keeps_no_model_from_running(
    tiny_model, tmp_path, monkeypatch, caplog, others
):
    pytest.importorskip('openvino')
    (tmp_path / 'file').touch()
    monkeypatch.delenv('YOLACT_BACKEND')
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path / 'file' / 'cache'))
    monkeypatch.setattr(auto, 'RUNTIMES', {'openvino': RUNTIMES['openvino']})
    assert Detector.load(tiny_model, device='cpu').backend == 'torch'
    assert 'backend openvino float32 takes no part' in caplog.text


def test_a_failure_to_remember_is_told_and_no_more(tmp_path, monkeypatch, caplog, others):
    def fail(*_):
        raise PermissionError('read-only')

    monkeypatch.setattr(auto, 'remember', fail)
    assert answer(others, tmp_path, monkeypatch)[0].candidate == B
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
