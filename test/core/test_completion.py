import json

import numpy as np
import pytest
from coco_files import SIZE, annotation, polygon, write_dataset

from yolact_core.cli import main
from yolact_core.dataset import CocoDataset
from yolact_core.dataset.annotations import read_json
from yolact_core.dataset.checking import check_dataset
from yolact_core.dataset.coco_export import add_pseudo_labels


class Finder:
    """Finds what it was told, in every image."""

    class_names = ('person', 'chair', 'cup')

    def __init__(self, detections):
        self.detections = detections

    def __call__(self, rgb):
        return self.detections


def rectangle(x1, y1, x2, y2):
    mask = np.zeros(SIZE, bool)
    mask[y1:y2, x1:x2] = True
    return mask


@pytest.fixture
def completed(tmp_path, make_detections):
    """Complete a file of one duck, 10 x 10 pixels, where three things are found."""
    masks = [rectangle(11, 11, 19, 19), rectangle(30, 5, 50, 25), rectangle(2, 28, 9, 39)]
    found = make_detections(np.array(masks), [0, 1, 2])  # scores 0.9, 0.65, 0.4
    duck = annotation(7, 10, [10, 10, 10, 10], category_id=5, segmentation=polygon(10, 10, 20, 20))
    path = write_dataset(tmp_path, [duck], 1, categories=[{'id': 5, 'name': 'duck'}])
    content = add_pseudo_labels(Finder(found), CocoDataset(path, tmp_path), read_json(path), 0.5)
    output = tmp_path / 'completed.json'
    output.write_text(json.dumps(content))
    return output


def test_the_models_classes_keep_their_ids_and_new_ones_follow(completed):
    content = json.loads(completed.read_text())
    names = [category['name'] for category in content['categories']]
    assert names == ['person', 'chair', 'cup', 'duck']
    assert CocoDataset(completed, completed.parent).class_names == tuple(names)


def test_what_is_sure_is_annotated_what_is_doubted_ignored_and_what_is_annotated_left(completed):
    duck, chair, cup = json.loads(completed.read_text())['annotations']
    assert (duck['id'], duck['category_id']) == (7, 4)
    assert (chair['id'], chair['category_id'], chair['iscrowd']) == (8, 2, 0)
    assert (cup['category_id'], cup['iscrowd']) == (3, 1)
    assert chair['bbox'] == [30, 5, 20, 20]
    assert chair['area'] == 400


def test_a_completed_file_is_sound_and_its_masks_are_those_that_were_found(completed):
    problems = check_dataset(completed, completed.parent)
    assert [problem for problem in problems if problem.severity == 'error'] == []
    sample = CocoDataset(completed, completed.parent)[0]
    np.testing.assert_array_equal(sample.masks.dense()[1], rectangle(30, 5, 50, 25))


def test_the_command_completes_a_file(tiny_model, tmp_path, capsys):
    path = write_dataset(tmp_path, [annotation(1, 10, [1, 1, 9, 9])])
    output = tmp_path / 'all.json'
    words = ['complete', path, output, '--images', tmp_path, '--model', tiny_model]
    assert main(['dataset', *map(str, words)]) == 0
    said = capsys.readouterr().out
    assert f'{output}: ' in said
    content = json.loads(output.read_text())
    names = {category['id']: category['name'] for category in content['categories']}
    added = {names[one['category_id']] for one in content['annotations'][1:]}
    assert added
    assert 'cup' not in added  # the file has cups of its own
