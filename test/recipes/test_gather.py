"""Several data sets as one, for masks whose classes do not matter."""

import json

import pytest
from coco_files import annotation, write_dataset

from recipes.nanodet.gather import Options, run
from yolact_core.dataset import CocoDataset


@pytest.fixture
def sources(tmp_path):
    """Return two data sets of three and of one image, with the same ids and other classes."""
    paths = []
    for name, count in (('rendered', 3), ('photographs', 1)):
        folder = tmp_path / name / 'images'
        folder.mkdir(parents=True)
        items = [annotation(1, 10, [1, 2, 20, 10]), annotation(2, 10, [30, 5, 9, 9])]
        if name == 'photographs':
            items = [annotation(7, 10, [5, 5, 8, 8], category_id=90, iscrowd=1)]
        path = write_dataset(folder, items, images=count)
        paths.append(path.rename(folder.parent / 'instances.json'))
    return tuple(paths)


def test_images_of_all_sets_are_found_with_their_objects(sources, tmp_path):
    output = tmp_path / 'all' / 'masks.json'
    run(Options(output=output, sources=sources, repeats=(1, 2)))
    dataset = CocoDataset(output, output.parent)
    assert dataset.class_names == ('object',)
    assert [len(sample.boxes) for sample in dataset] == [2, 0, 0, 1, 1]
    assert dataset[0].boxes.tolist() == [[1, 2, 21, 12], [30, 5, 39, 14]]
    assert dataset[4].is_crowd.tolist() == [True]
    ids = [one['id'] for one in json.loads(output.read_text())['annotations']]
    assert len(set(ids)) == len(ids)


def test_without_repeats_each_set_counts_once(sources, tmp_path):
    run(Options(output=tmp_path / 'masks.json', sources=sources))
    assert len(CocoDataset(tmp_path / 'masks.json', tmp_path)) == 4


def test_repeats_must_be_given_for_each_set(sources, tmp_path):
    with pytest.raises(SystemExit, match='repeats must be one for each of 2 sources, got 1'):
        run(Options(output=tmp_path / 'masks.json', sources=sources, repeats=(2,)))
