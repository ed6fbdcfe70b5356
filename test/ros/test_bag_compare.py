"""Is the new model better?"""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

from bags import SIZE, image_item, make_detections, make_rgb, truth_item, write_bag

from yolact_core import build_network, load_network, save_checkpoint
from yolact_core.cli import main
from yolact_ros.bag.evaluate.figures.bootstrap import Difference, judge

COUNT = 24
ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]


def disk(x, y, radius):
    return (COLUMNS - x) ** 2 + (ROWS - y) ** 2 < radius**2


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """Return a bag with three recordings: one is good, one errs once, and one shakes."""
    random = np.random.default_rng(2)
    image = make_rgb(0)
    items = []
    for index in range(COUNT):
        masks = [disk(40, 40, 20), disk(90, 60, 16)]
        seen = 1 if index == 7 else 2
        shaken = [np.roll(mask, random.integers(-4, 5, 2), (0, 1)) for mask in masks]
        items += [
            image_item(index, image),
            truth_item(index, make_detections(masks, [0, 1])),
            truth_item(index, make_detections(masks, [0, 1]), '/good'),
            truth_item(index, make_detections(shaken, [0, 1]), '/shaken'),
            truth_item(index, make_detections(masks[:seen], [0, 1][:seen]), '/once'),
        ]
    return write_bag(tmp_path_factory.mktemp('bags') / 'bag', items)


@pytest.fixture
def call(capsys):
    def run(bag, *words):
        status = main([str(word) for word in ('bag', 'compare', bag, *words)])
        return status, capsys.readouterr()

    return run


def compare(call, bag, *words):
    status, said = call(bag, *words, '--truth', '/camera/truth', '--json', '--resamples', 200)
    assert status == 0
    return json.loads(said.out)


def test_a_shaking_model_is_surely_worse(bag, call):
    found = compare(call, bag, f'{bag}#/good', f'{bag}#/shaken')
    (differences,) = found['differences']
    for name in ('mask_ap', 'box_ap', 'quality', 'stability'):
        one = differences[name]
        assert one['low'] <= one['value'] <= one['high'] < 0, name
        assert one['is_sure']
    assert differences['box_jitter_px']['low'] > 0
    assert not differences['flicker_per_minute']['is_sure']
    good, shaken = found['contenders']
    wanted = shaken['figures']['stability'] - good['figures']['stability']
    assert differences['stability']['value'] == pytest.approx(wanted)
    wanted = shaken['figures']['mask_ap'] - good['figures']['mask_ap']
    assert differences['mask_ap']['value'] == pytest.approx(wanted)


def test_images_without_a_result_are_told_of_beside_the_verdict(bag, call, tmp_path):
    items = [truth_item(index, make_detections([disk(40, 40, 20)], [0])) for index in (0, 5)]
    few = write_bag(tmp_path / 'few', items)
    status, said = call(bag, f'{bag}#/good', few, '--truth', '/camera/truth', '--resamples', 20)
    assert status == 0
    assert f'{COUNT - 2} images have no result in few, which counts as nothing found' in said.out


def test_a_model_does_not_differ_from_itself(bag, call):
    found = compare(call, bag, f'{bag}#/shaken', f'{bag}#/shaken')
    (differences,) = found['differences']
    for one in differences.values():
        assert one == {'value': 0.0, 'low': 0.0, 'high': 0.0, 'is_sure': False}
    assert {image['agreement'][1] for image in found['most_different']} == {1.0}


def test_the_image_that_differs_most_comes_first(bag, call):
    found = compare(call, bag, f'{bag}#/good', f'{bag}#/once', '--worst', 3)
    assert len(found['most_different']) == 3
    worst = found['most_different'][0]
    assert worst['index'] == 7
    assert worst['agreement'] == [1.0, pytest.approx(2 / 3)]
    assert worst['instances'] == [2, 1]
    assert worst['quality'] == [1.0, pytest.approx(2 / 3)]


def test_three_contenders_are_each_compared_with_the_first(bag, call):
    found = compare(call, bag, *(f'{bag}#/{name}' for name in ('good', 'shaken', 'once')))
    assert len(found['contenders']) == 3
    assert len(found['differences']) == 2


def test_two_models_and_a_recording_can_be_compared(bag, call, tiny_model, tmp_path):
    import torch

    torch.manual_seed(5)
    network = load_network(tiny_model)
    other = build_network(network.config)
    with torch.no_grad():
        other.get_parameter('prediction_layers.0.conf_layer.weight').mul_(6)
    save_checkpoint(other, tmp_path / 'other.safetensors')
    words = ('--device', 'cpu', '--score-threshold', 0.05, '--resamples', 50)
    models = (tiny_model, tmp_path / 'other.safetensors', f'{bag}#/good')
    status, said = call(bag, *models, *words)
    assert status == 0
    for word in ('tiny.safetensors', 'other.safetensors', '95 % interval', 'stability'):
        assert word in said.out
    assert 'most different' in said.out


def test_limits_are_those_of_the_last_contender(bag, call):
    words = ('--truth', '/camera/truth', '--resamples', 10, '--fail-below', 'mask_ap=0.99')
    assert call(bag, f'{bag}#/shaken', f'{bag}#/good', *words)[0] == 0
    assert call(bag, f'{bag}#/good', f'{bag}#/shaken', *words)[0] == 1


def test_one_contender_is_not_enough(bag, call):
    status, said = call(bag, f'{bag}#/good')
    assert status == 2
    assert 'contenders must be two or more, got 1' in said.err


def test_a_bag_with_several_results_asks_which(bag, call):
    status, said = call(bag, bag, f'{bag}#/good')
    assert status == 2
    assert 'must have one topic of yolact/msg/InstanceArray, got /camera/truth, /good' in said.err


@pytest.mark.parametrize(
    ('name', 'difference', 'verdict'),
    [
        ('mask_ap', Difference(None, None, None), '-'),
        ('mask_ap', Difference(0.1, -0.1, 0.3), 'not sure'),
        ('mask_ap', Difference(0.1, 0.05, 0.3), 'better'),
        ('mask_ap', Difference(-0.1, -0.3, -0.05), 'worse'),
        ('box_jitter_px', Difference(0.1, 0.05, 0.3), 'worse'),
        ('flicker_per_minute', Difference(-0.1, -0.3, -0.05), 'better'),
        ('instances_per_image', Difference(0.1, 0.05, 0.3), 'differs'),
    ],
)
def test_verdicts_depend_on_the_interval_and_on_what_is_good(name, difference, verdict):
    assert judge(name, difference) == verdict
