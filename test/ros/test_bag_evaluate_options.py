"""What may be asked of an evaluation, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

from bags import (
    SIZE,
    image_item,
    jpeg_item,
    make_detections,
    make_truths,
    truth_item,
    write_bag,
    write_coco,
)

from yolact_core.cli import main

COUNT = 6
COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]][1]


@pytest.fixture(scope='module')
def truths(tiny_model):
    return make_truths(tiny_model, COUNT)


@pytest.fixture(scope='module')
def bag(tmp_path_factory, truths):
    items = [image_item(index) for index in range(COUNT)]
    items += [truth_item(index, one, late=index % 3 * 10**8) for index, one in enumerate(truths)]
    return write_bag(tmp_path_factory.mktemp('bags') / 'bag', items)


def test_stamps_of_a_coco_file_may_be_its_file_names(bag, truths, tmp_path, evaluate_bag):
    path = write_coco(tmp_path, truths, key='name')
    assert evaluate_bag(bag, '--truth', path)[1]['objects'] == sum(map(len, truths))


def test_a_coco_file_without_stamps_is_refused(bag, truths, tmp_path, evaluate_bag):
    status, _, said = evaluate_bag(bag, '--truth', write_coco(tmp_path, truths, key='none'))
    assert status == 2
    assert (
        "each image must have a key stamp, in ns, or a file name that is one, got '0.png'" in said
    )


def test_several_cameras_name_whose_truth_it_is(truths, tmp_path, evaluate_bag):
    items = [image_item(index) for index in range(COUNT)]
    items += [jpeg_item(index) for index in range(0, COUNT, 2)]
    items += [truth_item(index, one) for index, one in enumerate(truths)]
    bag = write_bag(tmp_path / 'bag', items)
    status, _, said = evaluate_bag(bag, '--truth', '/camera/truth')
    assert status == 2
    assert 'truth must be IMAGES=TOPIC where several topics have images' in said
    status, found, _ = evaluate_bag(bag, '--truth', '/camera/image=/camera/truth')
    assert status == 0
    assert found['images'] == COUNT + COUNT // 2
    assert found['objects'] == sum(map(len, truths))


def test_limits_decide_the_exit_status(bag, evaluate_bag):
    truth = ('--truth', '/camera/truth')
    assert evaluate_bag(bag, *truth, '--fail-below', 'mask_ap=0.0001,stability=0.01')[0] == 0
    status, _, said = evaluate_bag(bag, *truth, '--fail-below', 'mask_ap=0.999')
    assert status == 1
    assert 'mask_ap must be at least 0.999, got' in said
    status, _, said = evaluate_bag(bag, '--fail-above', 'box_jitter_px=-1')
    assert status == 1
    assert 'box_jitter_px must be at most -1, got' in said
    status, _, said = evaluate_bag(bag, '--fail-below', 'mask_ap=0.3')
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
def test_wrong_options_are_refused(bag, evaluate_bag, words, sentence):
    status, _, said = evaluate_bag(bag, *words)
    assert status == 2
    assert said.count('\n') == 1
    assert re.search(sentence, said)


def test_truth_of_other_classes_is_refused(tmp_path, evaluate_bag):
    odd = make_detections([COLUMNS < 40], names=('unicorn',))
    bag = write_bag(tmp_path / 'bag', [image_item(0), truth_item(0, odd)])
    status, _, said = evaluate_bag(bag, '--truth', '/camera/truth')
    assert status == 2
    assert 'truth and model must share a class, got unicorn and person, chair, cup' in said


def test_truth_of_another_size_is_refused(tmp_path, evaluate_bag):
    other = make_detections([np.ones((10, 10), bool)], size=(10, 10))
    bag = write_bag(tmp_path / 'bag', [image_item(0), truth_item(0, other)])
    status, _, said = evaluate_bag(bag, '--truth', '/camera/truth')
    assert status == 2
    assert 'must be of its size, 128 x 96, got 10 x 10' in said


def test_unreadable_images_are_skipped_and_counted(tmp_path, evaluate_bag):
    items = [image_item(index) for index in range(4)]
    items[1] = (*items[1][:3], b'\0\1\0\0abc')
    status, found, _ = evaluate_bag(write_bag(tmp_path / 'bag', items))
    assert status == 2
    assert (found['images'], found['skipped']) == (3, 1)
    (loss,) = found['losses']
    assert (loss['messages'], loss['start']) == (1, items[1][2])


def test_the_table_tells_the_figures(bag, tiny_model, capsys):
    words = ['bag', 'evaluate', bag, '--truth', '/camera/truth', '--model', tiny_model]
    words += ['--device', 'cpu', '--score-threshold', '0.05', '--per-class']
    assert main([str(word) for word in words]) == 0
    said = capsys.readouterr().out
    for word in ('mask AP50', 'stability', 'flicker, per minute', 'person', 'ms per image'):
        assert word in said
