import json

import numpy as np
import pytest
from coco_files import CATEGORIES, annotation, polygon, write_dataset
from PIL import Image
from shapes import write_shapes

from yolact_core import InputError
from yolact_core.dataset.checking import check_dataset

GOOD = [annotation(1, 10, [5, 5, 20, 15]), annotation(2, 20, [0, 0, 60, 40], category_id=90)]


def check(folder, annotations, **changes):
    path = write_dataset(folder, [*GOOD, *annotations], **changes)
    return [str(problem) for problem in check_dataset(path, folder)]


def test_a_good_data_set_has_no_problems(tmp_path):
    assert check(tmp_path, []) == []


def test_generated_shapes_have_no_problems(tmp_path):
    path = write_shapes(tmp_path, images=12, seed=1, size=(64, 96))
    problems = check_dataset(path, tmp_path / 'images')
    assert [str(problem) for problem in problems if problem.severity == 'error'] == []


@pytest.mark.parametrize(
    ('box', 'changes', 'problem'),
    [
        ([5, 5, 20, 15], {'id': 2}, 'error: annotation 2 in 0.png: ids must not repeat, got 2'),
        (
            [5, 5, 20, 15],
            {'id': None},
            'error: annotation None in 0.png: id must be a whole number',
        ),
        (
            [5, 5, 20, 15],
            {'category_id': 4},
            'error: annotation 7 in 0.png: category_id must be one of',
        ),
        (
            [5, 5, 20, 15],
            {'category_id': [4]},
            'error: annotation 7 in 0.png: category_id must be one of',
        ),
        ([5, 5, 20, 15], {'image_id': 4}, 'error: annotation 7: image_id must be one of'),
        ([5, 5, 0, 15], {}, 'warning: annotation 7 in 0.png: bbox must have an area, got 0 x 15'),
        ([5, 5, float('nan'), 15], {}, 'error: annotation 7 in 0.png: bbox must be x, y, width'),
        (
            [5, 5, 20, 15],
            {'bbox': 'all'},
            'error: annotation 7 in 0.png: bbox must be x, y, width',
        ),
        (
            [70, 5, 20, 15],
            {},
            'error: annotation 7 in 0.png: bbox must lie in its image, of 60 x 40',
        ),
        ([50, 5, 20, 15], {}, 'warning: annotation 7 in 0.png: bbox should lie in its image'),
        (
            [5, 5, 20, 15],
            {'segmentation': [[5, 5, 25, 20], *polygon(5, 5, 25, 20)]},
            'warning: annotation 7 in 0.png: polygons must have 3 points or more, 1 have',
        ),
        (
            [5, 5, 20, 15],
            {'segmentation': [[5, 5, 25, float('inf'), 5, 20]]},
            'error: annotation 7 in 0.png: polygons must be lists of x and y that are nearer',
        ),
        (
            [5, 5, 20, 15],
            {'segmentation': 'none'},
            'error: annotation 7 in 0.png: segmentation must be polygons or RLE, got str',
        ),
        (
            [5, 5, 20, 15],
            {'segmentation': {'size': [40, 60], 'counts': [2400]}},
            'warning: annotation 7 in 0.png: segmentation must enclose an area, got an empty mask',
        ),
        (
            [5, 5, 20, 15],
            {'segmentation': {'size': [60, 40], 'counts': [2400]}},
            'error: annotation 7 in 0.png: size of the RLE must be that of its image',
        ),
        (
            [5, 5, 20, 15],
            {'segmentation': {'size': [40, 60], 'counts': [7]}},
            'error: annotation 7 in 0.png: run lengths must add up to the 2400 pixels',
        ),
        (
            [5, 5, 25, 20],
            {'segmentation': polygon(25, 5, 50, 20)},
            'warning: annotation 7 in 0.png: bbox should be x, y, width, height around the mask',
        ),
    ],
)
def test_a_problem_is_named_with_file_and_annotation(tmp_path, box, changes, problem):
    bad = {**annotation(7, 10, box), **changes}
    found, *consequences = check(tmp_path, [bad])
    assert found.startswith(problem)
    assert len(consequences) <= 1


def test_missing_and_wrong_image_files_are_errors(tmp_path):
    path = write_dataset(tmp_path, GOOD)
    (tmp_path / '0.png').unlink()
    (tmp_path / '1.png').write_text('this is no image')
    Image.fromarray(np.zeros((30, 60, 3), dtype=np.uint8)).save(tmp_path / '2.png')
    found = [str(problem) for problem in check_dataset(path, tmp_path)]
    assert [problem.split(':')[1] for problem in found] == [
        ' image 10 (0.png)',
        ' image 20 (1.png)',
        ' image 30 (2.png)',
    ]
    assert found[2].endswith('must be 60 x 40 pixels, as its annotations say, got 60 x 30')


def test_images_without_size_or_name_are_errors(tmp_path):
    records = [{'id': 10, 'file_name': '0.png'}, {'id': 20, 'height': 40, 'width': 60}]
    path = write_dataset(tmp_path, GOOD)
    path.write_text(json.dumps({**json.loads(path.read_text()), 'images': records}))
    reasons = [problem.reason for problem in check_dataset(path, tmp_path)]
    assert reasons == [
        'height and width must be pixels, got (None, None)',
        'file_name must be the name of a file, got None',
    ]


@pytest.mark.parametrize(
    ('categories', 'problem'),
    [
        (
            [*CATEGORIES, {'id': 8, 'name': 'cup'}],
            "category 'cup': names must not repeat, got it 2 times",
        ),
        ([*CATEGORIES, {'id': 8}], 'name must be text without control characters, got None'),
        ([*CATEGORIES, {'id': 8, 'name': 'fork'}], "category 'fork': should have annotations"),
        ([*CATEGORIES, {'id': 3, 'name': 'fork'}], "category 'fork': ids must not repeat, got 3"),
    ],
)
def test_problems_of_categories_are_named(tmp_path, categories, problem):
    assert any(problem in found for found in check(tmp_path, [], categories=categories))


def test_no_categories_is_an_error(tmp_path):
    assert 'error: categories: there must be at least one' in check(tmp_path, [], categories=[])


def test_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match='must be a readable COCO annotation file'):
        check_dataset(tmp_path / 'nothing.json', tmp_path)
