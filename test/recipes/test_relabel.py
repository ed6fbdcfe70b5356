"""Annotations of indoor classes as a model that knows COCO's classes is measured on them."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from recipes.nanodet.relabel import COCO_NAMES, Options, relabel, run
from yolact_core.config import ModelConfig
from yolact_core.dataset.annotations import read_annotations, read_json

ROOT = Path(__file__).parents[2]
REAL = ROOT / 'test' / 'data' / 'real_rooms' / 'instances.json'
INDOOR = yaml.safe_load((ROOT / 'recipes' / 'indoor' / 'classes.yaml').read_text())['classes']


def counts(path):
    found = read_annotations(path)
    pairs = zip(found.class_ids.tolist(), found.is_crowd.tolist(), strict=True)
    return Counter((found.class_names[class_id], is_crowd) for class_id, is_crowd in pairs)


def test_objects_keep_their_number_under_their_other_names(tmp_path):
    path = tmp_path / 'coco.json'
    run(Options(annotations=REAL, output=path))
    before, after = counts(REAL), counts(path)
    assert before['sofa', False] == after['couch', False] == 2
    assert after['dining table', False] == 6
    assert after['tv', False] == 4
    assert {name for name, _ in after}.isdisjoint({'door', 'box', 'cabinet', 'appliance'})
    assert after == {
        (COCO_NAMES[name], is_crowd): count
        for (name, is_crowd), count in before.items()
        if name in COCO_NAMES
    }


def test_pictures_outlines_and_ids_stay_as_they_are():
    before, after = read_json(REAL), relabel(read_json(REAL))
    assert after['images'] == before['images']
    outlines = {one['id']: one['segmentation'] for one in before['annotations']}
    assert all(outlines[one['id']] == one['segmentation'] for one in after['annotations'])
    assert {one['id']: one['name'] for one in after['categories']}[63] == 'couch'


def test_names_are_those_of_the_two_models():
    coco = ModelConfig.from_name('yolact_nanodet').class_names
    assert set(COCO_NAMES) <= set(INDOOR)
    assert set(COCO_NAMES.values()) <= set(coco)
    assert set(INDOOR) & set(coco) <= set(COCO_NAMES)
    assert len(set(COCO_NAMES.values())) == len(COCO_NAMES)


def test_annotations_of_other_classes_are_refused():
    content = {'images': [], 'annotations': [], 'categories': [{'id': 1, 'name': 'robot'}]}
    with pytest.raises(SystemExit, match=r'a category must be one of .*sofa.*, got robot'):
        relabel(content)
