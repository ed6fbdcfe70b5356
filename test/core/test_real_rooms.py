"""The two halves of the larger set of real pictures hold what their README promises."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from yolact_core.dataset.checking import check_dataset
from yolact_core.dataset.coco import CocoDataset

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'test' / 'data' / 'real_rooms_2'
OLDER = ROOT / 'test' / 'data' / 'real_rooms'
HALVES = ('choose', 'report')
MOST_SIDE = 640  # px
MOST_BYTES = 5 << 20


@pytest.fixture(scope='module', params=HALVES)
def half(request):
    return json.loads((FOLDER / f'{request.param}.json').read_text())


@pytest.fixture(scope='module')
def halves():
    return [json.loads((FOLDER / f'{name}.json').read_text()) for name in HALVES]


def objects(half):
    return [each for each in half['annotations'] if not each['iscrowd']]


def look(path):
    """Return what a picture looks like: which of its parts are brighter than the next."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    small = cv2.resize(grey, (17, 16), interpolation=cv2.INTER_AREA)
    return small[:, 1:] > small[:, :-1]


def test_there_are_150_objects_in_40_pictures(halves):
    assert sum(len(objects(half)) for half in halves) >= 150
    assert sum(len(half['images']) for half in halves) >= 40


@pytest.mark.parametrize('key', ['file_name', 'scene'])
def test_the_halves_share_no(halves, key):
    one, other = ({image[key] for image in half['images']} for half in halves)
    assert one.isdisjoint(other)


def test_the_halves_are_of_one_size(halves):
    one, other = (len(objects(half)) for half in halves)
    assert abs(one - other) < 0.2 * (one + other)


def test_all_pictures_are_in_a_half_and_none_is_large(halves):
    named = {image['file_name'] for half in halves for image in half['images']}
    assert named == {path.name for path in FOLDER.glob('*.jpg')}
    assert all(
        max(i['height'], i['width']) <= MOST_SIDE for half in halves for i in half['images']
    )
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < MOST_BYTES


@pytest.mark.parametrize('name', HALVES)
def test_the_checker_finds_no_fault(name):
    problems = check_dataset(FOLDER / f'{name}.json', FOLDER)
    assert [str(each) for each in problems if 'should have annotations' not in str(each)] == []


@pytest.mark.parametrize('name', HALVES)
def test_area_and_box_are_those_of_the_mask(name):
    dataset = CocoDataset(FOLDER / f'{name}.json', FOLDER)
    records = json.loads((FOLDER / f'{name}.json').read_text())
    of_image = {
        image['id']: [a for a in records['annotations'] if a['image_id'] == image['id']]
        for image in records['images']
    }
    for index, annotations in enumerate(of_image[id_] for id_ in dataset.annotations.image_ids):
        sample = dataset[index]
        assert sample.masks.areas().tolist() == [a['area'] for a in annotations]
        for mask, annotation in zip(sample.masks.dense(), annotations, strict=True):
            (rows, columns), (x, y, width, height) = np.nonzero(mask), annotation['bbox']
            assert (columns.min(), rows.min()) == (x, y)
            assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == (width, height)


def test_no_picture_is_one_of_the_older_set(halves):
    older = [look(path) for path in sorted(OLDER.iterdir()) if path.suffix in ('.png', '.jpg')]
    assert len(older) == 14
    for half in halves:
        for image in half['images']:
            here = look(FOLDER / image['file_name'])
            assert min(int((here != there).sum()) for there in older) > 40, image['file_name']


def test_classes_are_those_of_the_indoor_model(half):
    classes = yaml.safe_load((ROOT / 'recipes' / 'indoor' / 'classes.yaml').read_text())['classes']
    assert half['categories'] == [{'id': i, 'name': name} for i, name in enumerate(classes, 1)]


def test_each_picture_has_a_licence_and_a_line_in_the_readme(halves):
    lines = (FOLDER / 'README.md').read_text().splitlines()
    for name, half in zip(HALVES, halves, strict=True):
        licences = {licence['id'] for licence in half['licenses']}
        counts = Counter((a['image_id'], a['iscrowd']) for a in half['annotations'])
        for image in half['images']:
            stem = Path(image['file_name']).stem
            numbers = counts[image['id'], 0], counts[image['id'], 1] or ''
            start = f'| {stem} | {name} | {numbers[0]} | {numbers[1]} |'
            assert image['license'] in licences
            assert sum(line.startswith(start) for line in lines) == 1, start


def test_the_readme_counts_the_objects_of_each_class(halves):
    text = (FOLDER / 'README.md').read_text()
    one, other = (Counter(each['category_id'] for each in objects(half)) for half in halves)
    for category in halves[0]['categories']:
        numbers = one[category['id']], other[category['id']]
        cells = ' | '.join(str(number or '') for number in (*numbers, sum(numbers)))
        assert f'| {category["name"]} | {cells} |' in text
