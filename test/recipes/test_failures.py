"""Where a model fails, in pictures."""

import cv2
import numpy as np
import pytest

pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

from coco_files import annotation, write_dataset

from recipes.shipping import failures
from recipes.shipping.failures import (
    CAPTION,
    CELL,
    GAP,
    Options,
    Outcome,
    choose_worst,
    draw,
    look,
    run,
)
from yolact_core import Detections, InstanceMasks
from yolact_core.dataset import CocoDataset

CATEGORIES = [{'id': 1, 'name': 'robot'}, {'id': 2, 'name': 'cup'}]
NAMES = ('person', 'cup', 'chair')  # of the detector
PERSON, CUP, CHAIR = range(3)
LEFT, RIGHT, BELOW = [2, 2, 20, 20], [34, 2, 20, 20], [2, 26, 20, 12]  # x, y, width, height


class FoundBoxes:
    """Finds full boxes of given classes, whatever it is shown."""

    class_names = NAMES

    def __init__(self, *found):
        self._found = found

    def __call__(self, rgb):
        dense = np.zeros((len(self._found), *rgb.shape[:2]), bool)
        for mask, ((x, y, width, height), _) in zip(dense, self._found, strict=True):
            mask[y : y + height, x : x + width] = True
        masks = InstanceMasks.from_dense(dense, rgb.shape[:2])
        corners = np.concatenate([masks.corners, masks.corners + masks.shapes[:, ::-1]], axis=1)
        scores = np.linspace(0.9, 0.5, len(dense), dtype=np.float32)
        return Detections(
            boxes=corners.astype(np.float32),
            scores=scores,
            mask_scores=scores,
            class_ids=np.array([class_id for _, class_id in self._found], np.int64),
            coefficients=np.zeros((len(dense), 0), np.float32),
            masks=masks,
            all_class_names=NAMES,
        )


@pytest.fixture
def dataset(tmp_path):
    """Return one picture with two cups, a robot, and a region of cups to be ignored."""
    items = [
        annotation(1, 10, LEFT, category_id=2),
        annotation(2, 10, RIGHT, category_id=2),
        annotation(3, 10, [40, 26, 10, 10], category_id=1),
        annotation(4, 10, BELOW, category_id=2, iscrowd=1),
    ]
    return CocoDataset(write_dataset(tmp_path, items, images=1, categories=CATEGORIES), tmp_path)


def outcome(name, right, wrong, missed):
    blank = np.zeros((30, 60, 3), np.uint8)
    return Outcome(name, right, wrong, missed, blank, blank)


@pytest.mark.parametrize(
    ('found', 'expected'),
    [
        ([], (0, 0, 2)),
        ([(LEFT, CUP), (RIGHT, CUP)], (2, 0, 0)),
        ([(LEFT, CUP), (LEFT, CUP)], (1, 1, 1)),  # an object is found once
        ([(LEFT, CUP), (BELOW, CUP)], (1, 0, 1)),  # what is to be ignored is
        ([(LEFT, CHAIR), (RIGHT, PERSON)], (0, 0, 2)),  # classes that nobody annotated
        ([([2, 2, 20, 9], CUP)], (0, 1, 2)),  # IoU below one half
    ],
)
def test_objects_and_detections_are_counted(dataset, found, expected):
    (seen,) = look(FoundBoxes(*found), dataset)
    assert (seen.right, seen.wrong, seen.missed) == expected
    assert seen.name == '0'


def test_truth_and_detections_are_drawn_in_the_same_colour_and_nothing_to_ignore(dataset):
    (seen,) = look(FoundBoxes((LEFT, CUP)), dataset)
    plain = dataset[0].image
    for picture, boxes in ((seen.truth, (LEFT, RIGHT)), (seen.found, (LEFT,))):
        changed = (picture != plain).any(axis=2)
        for x, y, width, height in boxes:
            assert changed[y : y + height, x : x + width].mean() > 0.9
        assert not changed[30:, :].any()
    np.testing.assert_array_equal(seen.truth[16:20, 6:18], seen.found[16:20, 6:18])


def test_detections_of_classes_that_nobody_annotated_are_drawn(dataset):
    (seen,) = look(FoundBoxes((RIGHT, CHAIR)), dataset)
    x, y, width, height = RIGHT
    changed = (seen.found != dataset[0].image).any(axis=2)
    assert changed[y : y + height, x : x + width].mean() > 0.9


def test_the_worst_are_those_of_the_lowest_f_score_and_then_of_most_errors():
    perfect, empty = outcome('perfect', 3, 0, 0), outcome('empty', 0, 0, 0)
    one, many, half = outcome('one', 0, 0, 1), outcome('many', 0, 4, 3), outcome('half', 2, 2, 2)
    worst = choose_worst([perfect, one, half, many, empty], 4)
    assert [found.name for found in worst] == ['many', 'one', 'half', 'perfect']
    assert (half.f_score, empty.f_score) == (0.5, 1.0)


def test_a_pair_has_its_text_above():
    pair = draw(outcome('kitchen', 2, 2, 2))
    assert pair.shape == (CELL[0] + CAPTION, 2 * (CELL[1] + GAP), 3)
    assert (pair[:CAPTION] < 128).any()


def test_the_step_draws_pictures_of_several_data_sets(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(
        failures.Detector, 'load', lambda *_, **__: FoundBoxes((LEFT, CUP)), raising=True
    )
    path = tmp_path / 'failures.jpg'
    sets = (dataset.path,) * 3
    folders = (dataset.folder,) * 3
    run(Options(output=path, annotations=sets, images=folders, model='coco', count=2, columns=1))
    sheet = cv2.imread(str(path))
    assert sheet.shape == (2 * (CELL[0] + CAPTION), 2 * (CELL[1] + GAP), 3)
