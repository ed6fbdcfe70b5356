"""Precision and steadiness on bags."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

from bags import (
    CLASS_NAMES,
    SIZE,
    image_item,
    jpeg_item,
    make_detections,
    make_rgb,
    stamp_of,
    truth_item,
    write_bag,
)

from yolact_core import Detector, InputError
from yolact_core.cli import main
from yolact_core.dataset import CocoDataset
from yolact_core.evaluation import EvaluationOptions
from yolact_core.evaluation import evaluate as evaluate_dataset
from yolact_ros.bag.contenders import Contender, Plan, open_examination
from yolact_ros.bag.figures import summarize
from yolact_ros.bag.frames import plan_spans
from yolact_ros.bag.records import merge

COUNT = 9
ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]
LATENCY = ('latency',)


@pytest.fixture(scope='module')
def truths(tiny_model):
    """Return truth near to what the model finds, so that its precision is neither 0 nor 1."""
    detector = Detector.load(tiny_model, device='cpu', score_threshold=0.05)
    random = np.random.default_rng(0)
    found = []
    for index in range(COUNT):
        detections = detector(make_rgb(index))
        masks = detections.masks.dense()
        masks = [np.roll(mask, random.integers(-3, 4, 2), (0, 1)) for mask in masks if mask.any()]
        kept = random.permutation(len(masks))[: len(masks) // 2]
        ids = [int(detections.class_ids[one]) for one in kept]
        found.append(make_detections([masks[one] for one in kept], ids))
    return found


@pytest.fixture(scope='module')
def bag(tmp_path_factory, truths):
    items = [image_item(index) for index in range(COUNT)]
    items += [truth_item(index, one, late=index % 3 * 10**8) for index, one in enumerate(truths)]
    return write_bag(tmp_path_factory.mktemp('bags') / 'bag', items)


def write_coco(folder, truths, key='stamp'):
    """Write the same truth as a COCO file, and the images."""
    (folder / 'images').mkdir(parents=True)
    images, annotations = [], []
    for index, one in enumerate(truths):
        name = f'{stamp_of(index)}.png' if key == 'name' else f'{index}.png'
        cv2.imwrite(str(folder / 'images' / name), make_rgb(index)[..., ::-1])
        image = {'id': index + 1, 'file_name': name, 'height': SIZE[0], 'width': SIZE[1]}
        images.append({**image, 'stamp': stamp_of(index)} if key == 'stamp' else image)
        rows = zip(one.class_ids, one.boxes, one.masks.coco_rles(), one.masks.areas(), strict=True)
        for class_id, (x1, y1, x2, y2), rle, area in rows:
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': index + 1,
                    'category_id': int(class_id) + 1,
                    'bbox': [float(x1), float(y1), float(x2 - x1), float(y2 - y1)],
                    'segmentation': rle,
                    'area': int(area),
                    'iscrowd': 0,
                }
            )
    categories = [{'id': index, 'name': name} for index, name in enumerate(CLASS_NAMES, start=1)]
    path = folder / 'truth.json'
    path.write_text(
        json.dumps({'images': images, 'annotations': annotations, 'categories': categories})
    )
    return path


@pytest.fixture
def call(tiny_model, capsys):
    """Run ``yolact bag evaluate`` and return its exit status, figures and complaints."""

    def run(bag, *words, model=True):
        fixed = ['--model', tiny_model, '--device', 'cpu'] if model else []
        status = main([str(word) for word in ('bag', 'evaluate', bag, *fixed, '--json', *words)])
        said = capsys.readouterr()
        return status, json.loads(said.out) if said.out else None, said.err

    return run


def without_latency(figures):
    return {name: value for name, value in figures.items() if name not in LATENCY}


def test_precision_is_exactly_that_of_yolact_evaluate(bag, truths, tmp_path, tiny_model, call):
    path = write_coco(tmp_path, truths)
    detector = Detector.load(tiny_model, device='cpu')
    dataset = CocoDataset(path, tmp_path / 'images')
    wanted = evaluate_dataset(detector, dataset, EvaluationOptions()).to_mapping()['precisions']
    wanted = json.loads(json.dumps(wanted))
    assert 0.5 < wanted['mask']['ap'] < 99
    for truth in ('/camera/truth', path):
        status, found, _ = call(bag, '--truth', truth)
        assert status == 0
        assert found['box'] == wanted['box']
        assert found['mask'] == wanted['mask']
        assert found['figures']['mask_ap'] == wanted['mask']['ap'] / 100
        assert found['objects'] == sum(map(len, truths))


def test_the_same_bag_gives_the_same_figures_to_the_last_digit(bag, call):
    one, two = (call(bag, '--truth', '/camera/truth')[1] for _ in range(2))
    assert without_latency(one) == without_latency(two)


@pytest.mark.parametrize('every', [1, 2])
@pytest.mark.parametrize('parts', [2, 4])
def test_spans_that_are_merged_give_the_same_figures_to_the_last_digit(
    parts, every, bag, tiny_model
):
    plan = Plan(
        bag,
        (Contender(str(tiny_model), {'device': 'cpu'}),),
        truth=('/camera/truth',),
        score_threshold=0.05,
        every=every,
    )

    def figures(records, opened):
        return without_latency(
            summarize(merge(records), opened.names, opened.class_names).to_mapping()
        )

    with open_examination(plan, pytest.fail) as opened:
        from yolact_ros.bag.reading import Bag

        whole = figures([list(opened.examination.records(opened.whole))], opened)
        with Bag(bag, pytest.fail) as other:
            spans = plan_spans(other, opened.topics, opened.whole, parts)
    assert len(spans) > 1
    records = []
    for span in reversed(spans):
        with open_examination(plan, pytest.fail) as opened:
            records.append(list(opened.examination.records(span)))
    assert figures(records, opened) == whole
    assert whole['stability']['compared'] > 0
    with pytest.raises(InputError, match='spans must not overlap, but image'):
        merge([records[0], records[0]])


def test_without_truth_there_is_still_steadiness_speed_and_counts(bag, call):
    status, found, _ = call(bag, '--score-threshold', 0.05)
    assert status == 0
    assert found['box'] is found['objects'] is found['figures']['mask_ap'] is None
    assert found['images'] == COUNT
    assert found['instances'] == sum(found['by_class'].values()) > 0
    assert 0 < found['figures']['stability'] <= 1
    assert found['latency']['total']['median'] > found['latency']['network']['median'] > 0


def test_truth_against_itself_is_perfect(bag, call):
    status, found, _ = call(
        bag, '--truth', '/camera/truth', '--results', f'{bag}#/camera/truth', model=False
    )
    assert status == 0
    assert found['box']['ap'] == found['mask']['ap'] == pytest.approx(100)
    assert found['figures']['quality'] == 1.0
    assert found['figures']['track_interruptions_per_minute'] is not None
    assert found['latency'] == {}
    assert found['missing'] == 0


def test_results_of_the_run_are_evaluated_as_the_model_is(bag, call, tmp_path, tiny_model, capsys):
    words = ['bag', 'run', bag, '--output', tmp_path / 'out.mcap', '--model', tiny_model]
    words += ['--device', 'cpu', '--score-threshold', '0']
    assert main([str(word) for word in words]) == 0
    capsys.readouterr()
    _, live, _ = call(bag, '--truth', '/camera/truth')
    _, recorded, _ = call(
        bag, '--truth', '/camera/truth', '--results', tmp_path / 'out.mcap', model=False
    )
    assert recorded['mask'] == live['mask']
    assert recorded['figures'] == live['figures']


def test_an_image_without_a_result_counts_as_nothing_found(truths, tmp_path, call):
    items = [image_item(index) for index in range(COUNT)]
    items += [truth_item(index, one) for index, one in enumerate(truths)]
    items += [truth_item(index, one, '/results') for index, one in enumerate(truths) if index != 4]
    bag = write_bag(tmp_path / 'bag', items)
    words = ('--truth', '/camera/truth', '--results', f'{bag}#/results')
    _, found, _ = call(bag, *words, model=False)
    assert found['missing'] == 1
    assert found['images'] == COUNT
    assert found['mask']['recall_100'] < 100


def test_a_track_that_is_not_found_for_an_image_is_an_interruption(tmp_path, call):
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
    _, found, _ = call(bag, *words, model=False)
    minutes = 5 * (stamp_of(1) - stamp_of(0)) / 60e9
    assert found['figures']['track_interruptions_per_minute'] == pytest.approx(2 / minutes)
    assert found['figures']['flicker_per_minute'] == pytest.approx(2 / minutes)
    assert found['figures']['matched_iou'] == 1.0
    assert found['figures']['stability'] == pytest.approx(1 / 3)  # 5 -> 1 of 3 is found again


def test_stamps_of_a_coco_file_may_be_its_file_names(bag, truths, tmp_path, call):
    path = write_coco(tmp_path, truths, key='name')
    assert call(bag, '--truth', path)[1]['objects'] == sum(map(len, truths))


def test_a_coco_file_without_stamps_is_refused(bag, truths, tmp_path, call):
    status, _, said = call(bag, '--truth', write_coco(tmp_path, truths, key='none'))
    assert status == 2
    assert (
        "each image must have a key stamp, in ns, or a file name that is one, got '0.png'" in said
    )


def test_several_cameras_name_whose_truth_it_is(truths, tmp_path, call):
    items = [image_item(index) for index in range(COUNT)]
    items += [jpeg_item(index) for index in range(0, COUNT, 2)]
    items += [truth_item(index, one) for index, one in enumerate(truths)]
    bag = write_bag(tmp_path / 'bag', items)
    status, _, said = call(bag, '--truth', '/camera/truth')
    assert status == 2
    assert 'truth must be IMAGES=TOPIC where several topics have images' in said
    status, found, _ = call(bag, '--truth', '/camera/image=/camera/truth')
    assert status == 0
    assert found['images'] == COUNT + 5
    assert found['objects'] == sum(map(len, truths))


def test_limits_decide_the_exit_status(bag, call):
    truth = ('--truth', '/camera/truth')
    assert call(bag, *truth, '--fail-below', 'mask_ap=0.0001,stability=0.01')[0] == 0
    status, _, said = call(bag, *truth, '--fail-below', 'mask_ap=0.999')
    assert status == 1
    assert 'mask_ap must be at least 0.999, got' in said
    status, _, said = call(bag, '--fail-above', 'box_jitter_px=-1')
    assert status == 1
    assert 'box_jitter_px must be at most -1, got' in said
    status, _, said = call(bag, '--fail-below', 'mask_ap=0.3')
    assert status == 1
    assert 'but cannot be told from this bag' in said


@pytest.mark.parametrize(
    ('words', 'sentence'),
    [
        (('--fail-below', 'mask_ap'), 'limits must be like mask_ap=0.3'),
        (('--fail-below', 'beauty=1'), "figure must be one of box_ap, .*got 'beauty'"),
        (('--truth', '/nope'), "topic must be one of .*got '/nope'"),
        (('--truth', '/camera/image'), '/camera/image must be of type yolact/msg/InstanceArray'),
        (('--truth', 'nothing.json'), 'nothing.json must be a readable COCO annotation file'),
        (('--truth', '/other=/camera/truth'), 'truth must be of one of /camera/image'),
        (('--score-threshold', '2'), 'score_threshold must be in'),
        (('--start', '100'), 'must hold an image in what was asked for'),
    ],
)
def test_wrong_options_are_refused(bag, call, words, sentence):
    import re

    status, _, said = call(bag, *words)
    assert status == 2
    assert said.count('\n') == 1
    assert re.search(sentence, said)


def test_truth_of_other_classes_is_refused(tmp_path, call):
    odd = make_detections([COLUMNS < 40], names=('unicorn',))
    bag = write_bag(tmp_path / 'bag', [image_item(0), truth_item(0, odd)])
    status, _, said = call(bag, '--truth', '/camera/truth')
    assert status == 2
    assert 'truth and model must share a class, got unicorn and person, chair, cup' in said


def test_truth_of_another_size_is_refused(tmp_path, call):
    other = make_detections([np.ones((10, 10), bool)], size=(10, 10))
    bag = write_bag(tmp_path / 'bag', [image_item(0), truth_item(0, other)])
    status, _, said = call(bag, '--truth', '/camera/truth')
    assert status == 2
    assert 'must be of its size, 128 x 96, got 10 x 10' in said


def test_unreadable_images_are_skipped_and_counted(tmp_path, call):
    items = [image_item(index) for index in range(4)]
    items[1] = (*items[1][:3], b'\0\1\0\0abc')
    status, found, _ = call(write_bag(tmp_path / 'bag', items))
    assert status == 0
    assert (found['images'], found['skipped']) == (3, 1)


def test_the_table_tells_the_figures(bag, tiny_model, capsys):
    words = ['bag', 'evaluate', bag, '--truth', '/camera/truth', '--model', tiny_model]
    words += ['--device', 'cpu', '--score-threshold', '0.05', '--per-class']
    assert main([str(word) for word in words]) == 0
    said = capsys.readouterr().out
    for word in ('mask AP50', 'stability', 'flicker, per minute', 'person', 'ms per image'):
        assert word in said
