"""Precision and steadiness on bags."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

from bags import (
    SIZE,
    image_item,
    make_detections,
    make_rgb,
    make_truths,
    stamp_of,
    truth_item,
    write_bag,
    write_coco,
)

from yolact_core import Detector, InputError
from yolact_core.cli import main
from yolact_core.dataset import CocoDataset
from yolact_core.evaluation import EvaluationOptions
from yolact_core.evaluation import evaluate as evaluate_dataset
from yolact_ros.bag.evaluate.figures.summary import summarize
from yolact_ros.bag.evaluate.plan import Candidate, EvaluationPlan, open_evaluation
from yolact_ros.bag.evaluate.records import merge
from yolact_ros.bag.image_selection import ImageSelection
from yolact_ros.bag.replay.frames import plan_spans

COUNT = 9
ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]
LATENCY = ('latency',)


@pytest.fixture(scope='module')
def truths(tiny_model):
    return make_truths(tiny_model, COUNT)


@pytest.fixture(scope='module')
def bag(tmp_path_factory, truths):
    items = [image_item(index) for index in range(COUNT)]
    items += [truth_item(index, one, late=index % 3 * 10**8) for index, one in enumerate(truths)]
    return write_bag(tmp_path_factory.mktemp('bags') / 'bag', items)


def without_latency(figures):
    return {name: value for name, value in figures.items() if name not in LATENCY}


def test_precision_is_exactly_that_of_yolact_evaluate(
    bag, truths, tmp_path, tiny_model, evaluate_bag
):
    path = write_coco(tmp_path, truths)
    detector = Detector.load(tiny_model, device='cpu')
    dataset = CocoDataset(path, tmp_path / 'images')
    wanted = evaluate_dataset(detector, dataset, EvaluationOptions()).to_mapping()['precisions']
    wanted = json.loads(json.dumps(wanted))
    assert 0.5 < wanted['mask']['ap'] < 99
    for truth in ('/camera/truth', path):
        status, found, _ = evaluate_bag(bag, '--truth', truth)
        assert status == 0
        assert found['box'] == wanted['box']
        assert found['mask'] == wanted['mask']
        assert found['figures']['mask_ap'] == wanted['mask']['ap'] / 100
        assert found['objects'] == sum(map(len, truths))


def test_the_same_bag_gives_the_same_figures_to_the_last_digit(bag, evaluate_bag):
    one, two = (evaluate_bag(bag, '--truth', '/camera/truth')[1] for _ in range(2))
    assert without_latency(one) == without_latency(two)


@pytest.mark.parametrize('every', [1, 2])
@pytest.mark.parametrize('parts', [2, 4])
def test_spans_that_are_merged_give_the_same_figures_to_the_last_digit(
    parts, every, bag, tiny_model
):
    plan = EvaluationPlan(
        bag,
        (Candidate(str(tiny_model), {'device': 'cpu'}),),
        truth=('/camera/truth',),
        score_threshold=0.05,
        selection=ImageSelection(every=every),
    )

    def figures(records, opened):
        return without_latency(
            summarize(merge(records), opened.names, opened.class_names).to_mapping()
        )

    with open_evaluation(plan, pytest.fail) as opened:
        from yolact_ros.bag.io.bag import Bag

        whole = figures([list(opened.evaluator.records(opened.images.whole))], opened)
        with Bag(bag, pytest.fail) as other:
            spans = plan_spans(other, opened.images.topics, opened.images.whole, parts)
    assert len(spans) > 1
    records = []
    for span in reversed(spans):
        with open_evaluation(plan, pytest.fail) as opened:
            records.append(list(opened.evaluator.records(span)))
    assert figures(records, opened) == whole
    assert whole['stability']['compared'] > 0
    with pytest.raises(InputError, match='spans must not overlap, but image'):
        merge([records[0], records[0]])


def test_without_truth_there_is_still_steadiness_speed_and_counts(bag, evaluate_bag):
    status, found, _ = evaluate_bag(bag, '--score-threshold', 0.05)
    assert status == 0
    assert found['box'] is found['objects'] is found['figures']['mask_ap'] is None
    assert found['images'] == COUNT
    assert found['instances'] == sum(found['by_class'].values()) > 0
    assert 0 < found['figures']['stability'] <= 1
    assert found['latency']['total']['median'] > found['latency']['network']['median'] > 0


def test_truth_against_itself_is_perfect(bag, evaluate_bag):
    status, found, _ = evaluate_bag(
        bag, '--truth', '/camera/truth', '--results', f'{bag}#/camera/truth', model=False
    )
    assert status == 0
    assert found['box']['ap'] == found['mask']['ap'] == pytest.approx(100)
    assert found['figures']['quality'] == 1.0
    assert found['figures']['track_interruptions_per_minute'] is not None
    assert found['latency'] == {}
    assert found['missing'] == 0


def test_results_of_the_run_are_evaluated_as_the_model_is(
    bag, evaluate_bag, tmp_path, tiny_model, capsys
):
    words = ['bag', 'run', bag, '--output', tmp_path / 'out.mcap', '--model', tiny_model]
    words += ['--device', 'cpu', '--score-threshold', '0']
    assert main([str(word) for word in words]) == 0
    capsys.readouterr()
    _, live, _ = evaluate_bag(bag, '--truth', '/camera/truth')
    _, recorded, _ = evaluate_bag(
        bag, '--truth', '/camera/truth', '--results', tmp_path / 'out.mcap', model=False
    )
    assert recorded['mask'] == live['mask']
    assert recorded['figures'] == live['figures']


def test_an_image_without_a_result_counts_as_nothing_found(truths, tmp_path, evaluate_bag):
    items = [image_item(index) for index in range(COUNT)]
    items += [truth_item(index, one) for index, one in enumerate(truths)]
    items += [truth_item(index, one, '/results') for index, one in enumerate(truths) if index != 4]
    bag = write_bag(tmp_path / 'bag', items)
    words = ('--truth', '/camera/truth', '--results', f'{bag}#/results')
    _, found, _ = evaluate_bag(bag, *words, model=False)
    assert found['missing'] == 1
    assert found['images'] == COUNT
    assert found['mask']['recall_100'] < 100


def test_a_track_that_is_not_found_for_an_image_is_an_interruption(tmp_path, evaluate_bag):
    disk = (COLUMNS - 60) ** 2 + (ROWS - 50) ** 2 < 400
    there, gone = make_detections([disk]), make_detections([])
    still = make_rgb(0)
    items = [image_item(index, still) for index in range(6)]
    items += [truth_item(index, there) for index in range(6)]
    items += [
        truth_item(index, gone if index in (2, 4) else there, '/results') for index in range(6)
    ]
    bag = write_bag(tmp_path / 'bag', items)
    words = ('--truth', '/camera/truth', '--results', f'{bag}#/results')
    _, found, _ = evaluate_bag(bag, *words, model=False)
    minutes = 5 * (stamp_of(1) - stamp_of(0)) / 60e9
    assert found['figures']['track_interruptions_per_minute'] == pytest.approx(2 / minutes)
    assert found['figures']['flicker_per_minute'] == pytest.approx(2 / minutes)
    assert found['figures']['matched_iou'] == 1.0
    assert found['figures']['stability'] == pytest.approx(1 / 3)  # 5 -> 1 of 3 is found again
