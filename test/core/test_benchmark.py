"""Measuring side by side: what each variant is given, and what the figures mean."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from yolact_core import Detector, InputError, load_network
from yolact_core.benchmark.benchmark import BenchmarkOptions, run_benchmark
from yolact_core.benchmark.measuring import (
    MemoryMeter,
    busy_process,
    run_rounds,
    time_interleaved,
)
from yolact_core.benchmark.plot import draw_plot
from yolact_core.benchmark.report import Spread, add_accuracy, read_accuracy
from yolact_core.benchmark.variants import Variant, plan_variants
from yolact_core.benchmark.workload import Workload, draw_images, read_images
from yolact_core.checkpoints.checkpoint import (
    Facts,
    hash_weights,
    load_checkpoint,
    save_checkpoint,
    save_random,
)
from yolact_core.media.image_files import read_image, write_image
from yolact_core.runtimes.torch import TorchBackend

CPU = torch.device('cpu')
SIZE = (60, 80)
FEW = BenchmarkOptions(rounds=3)


@pytest.fixture(scope='module')
def report(tiny_model):
    """Return a report of the plain reference and of PyTorch, also beside a busy process."""
    variants = [Variant(str(tiny_model), 'plain'), Variant(str(tiny_model), 'torch')]
    workload = Workload(draw_images(SIZE), candidates=20, instances=4)
    return run_benchmark(variants, workload, CPU, BenchmarkOptions(rounds=3, is_busy=True))


def test_all_take_their_turn_in_each_round_in_a_changing_order():
    calls = []
    measures = {name: lambda number, name=name: calls.append((number, name)) for name in 'abcd'}
    samples = run_rounds(measures, rounds=6, seconds=60)
    assert {len(values) for values in samples.values()} == {6}
    rounds = [calls[start : start + 4] for start in range(0, 24, 4)]
    for number, round_ in enumerate(rounds):
        assert {call[0] for call in round_} == {number}
        assert sorted(name for _, name in round_) == list('abcd')
    assert len({tuple(name for _, name in round_) for round_ in rounds}) > 1


def test_no_round_begins_after_the_time_is_up_but_one_there_is():
    samples = run_rounds({'slow': lambda _: time.sleep(0.05)}, rounds=100, seconds=0)
    assert len(samples['slow']) == 1


def test_medians_leave_the_warm_up_out():
    delays = iter([0.2, 0.01, 0.01, 0.01])
    medians = time_interleaved({'one': lambda: time.sleep(next(delays))}, rounds=3, warm_up=1)
    assert 0.01 <= medians['one'] < 0.2


@pytest.mark.skipif(not Path('/proc').is_dir(), reason='reads the state of processes in /proc')
def test_the_busy_process_works_when_it_is_woken_and_ends_with_the_block():
    children = Path(f'/proc/{os.getpid()}/task/{os.getpid()}/children')
    before = set(children.read_text().split())
    with busy_process() as wake:
        (child,) = set(children.read_text().split()) - before
        status = Path(f'/proc/{child}/stat')
        for is_wanted, states in ((True, 'RS'), (False, 'T'), (True, 'RS')):
            wake(is_wanted)
            assert wait_until(lambda: status.read_text().split()[2] in states)  # noqa: B023
    assert not status.exists()


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.skipif(not Path('/proc').is_dir(), reason='memory is read from /proc')
def test_the_peak_above_the_first_level_is_told_without_what_was_freed_before():
    meter = MemoryMeter(CPU)
    np.ones(100 << 20, dtype=np.uint8).sum()
    meter.forget_peak()
    np.ones(40 << 20, dtype=np.uint8).sum()
    assert 35 << 20 < meter.host_bytes() < 80 << 20
    assert meter.device_bytes() is None


def test_ratios_and_slowdowns_are_told_with_their_quartiles(report):
    plain, ours = report.results
    assert plain.name == 'plain'
    assert ours.name == 'torch float32'
    assert plain.times_faster == {}
    spread = ours.times_faster['plain']
    assert 0 < spread.low <= spread.median <= spread.high
    assert all(result.busy_slowdown.median > 0 for result in report.results)
    assert report.rounds == 3


def test_each_network_sees_as_many_instances_as_asked_for(report):
    assert [result.instances for result in report.results] == [4, 4]
    assert str(report.workload) == '80x60, 4 instances of 20 candidates'


def test_stages_add_up_to_no_more_than_the_total(report):
    for result in report.results:
        stages = {name: time.p50 for name, time in result.stages.items()}
        assert stages['network'] > 0
        assert result.outside_network > 0
        assert result.images_per_second == pytest.approx(1000 / stages['total'])


def test_without_references_the_first_is_what_others_are_compared_with(tiny_model):
    variants = [Variant(str(tiny_model), 'torch', name) for name in ('float32', 'bfloat16')]
    workload = Workload(draw_images(SIZE), candidates=20, instances=4)
    found = run_benchmark(variants, workload, CPU, FEW)
    assert list(found['torch bfloat16'].times_faster) == ['torch float32']


def test_what_the_models_find_is_left_to_them_if_nothing_is_fixed(tiny_model):
    images = draw_images(SIZE, count=2)
    expected = [len(Detector(load_network(tiny_model))(image)) for image in images]
    found = run_benchmark(
        [Variant(str(tiny_model), 'torch')], Workload(images, None, None), CPU, FEW
    )
    assert found.results[0].instances == pytest.approx(np.mean([*expected, expected[0]]))


def test_what_cannot_be_loaded_is_left_out_with_its_reason(tiny_model):
    variants = [Variant(str(tiny_model), 'torch', name) for name in ('int4', 'float32')]
    workload = Workload(draw_images(SIZE), candidates=20, instances=4)
    found = run_benchmark(variants, workload, CPU, FEW)
    assert [result.name for result in found.results] == ['torch float32']
    assert found.left_out == {
        'tiny torch int4': 'precision of backend torch must be one of auto, float32, bfloat16, '
        "float16, got 'int4'"
    }
    with pytest.raises(InputError, match='precision of backend torch'):
        run_benchmark(variants[:1], workload, CPU, FEW)


def test_one_variant_is_planned_for_each_backend_and_precision():
    planned = plan_variants(['a', 'b'], ['torch'], ['float32', 'bfloat16'], ['plain'], 'cpu')
    assert planned == [
        Variant('a', 'plain'),
        Variant('a', 'torch', 'float32'),
        Variant('a', 'torch', 'bfloat16'),
        Variant('b', 'torch', 'float32'),
        Variant('b', 'torch', 'bfloat16'),
    ]


def test_an_exported_file_is_one_variant():
    planned = plan_variants(['a', 'b.onnx', 'c.xml'], ['torch'], ['float32'], [], 'cpu')
    assert planned[1:] == [Variant('b.onnx', 'onnx'), Variant('c.xml', 'openvino')]


@pytest.mark.parametrize(
    ('words', 'complaint'),
    [
        ((['a'], ['jax'], ['auto'], []), "backend must be one of all, auto, torch.*got 'jax'"),
        ((['a'], ['torch'], ['auto'], ['best']), "reference must be one of plain.*got 'best'"),
        ((['a.onnx'], ['torch'], ['auto'], ['plain']), 'plain must have weights.*got a.onnx'),
    ],
)
def test_what_is_unknown_is_refused(words, complaint):
    with pytest.raises(InputError, match=complaint):
        plan_variants(*words, 'cpu')


def test_random_weights_are_the_same_each_time(tmp_path):
    paths = []
    for name in ('one', 'two'):
        (tmp_path / name).mkdir()
        torch.manual_seed(int(name == 'one'))
        paths.append(save_random('yolact_mobilenetv3', tmp_path / name))
    digests = {hash_weights(load_network(path)) for path in paths}
    assert len(digests) == 1


def test_images_of_a_folder_are_taken(tmp_path):
    for number, image in enumerate(draw_images(SIZE, count=3)):
        write_image(tmp_path / f'{number}.png', image)
    found = read_images(tmp_path)
    assert len(found) == 3
    np.testing.assert_array_equal(found[1], read_image(tmp_path / '1.png'))
    with pytest.raises(InputError, match='folder must hold images, got none'):
        read_images(tmp_path / 'empty')


def test_accuracy_is_found_where_it_is_written_down(report, tiny_model, tmp_path):
    network, facts = load_checkpoint(tiny_model)
    trained = tmp_path / 'trained.safetensors'
    figures = {'best': {'mask_ap': 21.0}, 'test': {'mask_ap': 20.0}}
    save_checkpoint(network, trained, Facts(facts.colors, figures))
    assert {
        one.mask_ap for one in add_accuracy(report, read_accuracy([], [str(trained)])).results
    } == {20.0}

    file = tmp_path / 'evaluation.json'
    conditions = {'backend': 'torch', 'precision': 'bfloat16'}
    model_id = Detector(TorchBackend(network)).model_id
    content = {'model': model_id, 'detector': conditions, 'precisions': {'mask': {'ap': 30.0}}}
    file.write_text(json.dumps(content))
    assert {one.mask_ap for one in add_accuracy(report, read_accuracy([file], [])).results} == {
        None
    }
    conditions['precision'] = 'float32'
    file.write_text(json.dumps(content))
    assert {one.mask_ap for one in add_accuracy(report, read_accuracy([file], [])).results} == {
        30.0
    }
    file.write_text('[]')
    official = read_accuracy([], ['yolact_base'])
    assert set(official.values()) == {29.8}
    with pytest.raises(InputError, match='must be a file that "yolact evaluate --output" wrote'):
        read_accuracy([file], [])


@pytest.mark.parametrize('is_rated', [False, True])
def test_the_plot_is_a_picture(report, tiny_model, tmp_path, is_rated):
    pytest.importorskip(
        'matplotlib', reason="matplotlib is not installed: pip install 'yolact[plot]'"
    )
    file = tmp_path / 'evaluation.json'
    model_id = report.results[0].model_id
    content = {'model': model_id, 'detector': {}, 'precisions': {'mask': {'ap': 30.0}}}
    file.write_text(json.dumps(content))
    rated = add_accuracy(report, read_accuracy([file] if is_rated else [], []))
    draw_plot(rated, tmp_path / 'plot.png')
    height, width, _ = read_image(tmp_path / 'plot.png').shape
    assert width > (1.8 if is_rated else 1.2) * height


def test_a_spread_is_the_median_between_its_quartiles():
    assert Spread.of([5, 1, 3, 2, 4]) == Spread(median=3, low=2, high=4)
