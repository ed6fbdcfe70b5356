"""How much boxes and masks overlap, against the definitions."""

from __future__ import annotations

import numpy as np
import pytest

from yolact_core.tracking.overlaps import BESIDE, CUT_OFF, pairwise_box_iou, side_doubts
from yolact_core.tracking.silhouettes import Pairs, Silhouette, mask_iou

SIZE = (60, 80)


def random_boxes(count, seed):
    """Return boxes in whole pixels, (N, 4); some touch each other or the border."""
    random = np.random.default_rng(seed)
    corners = random.integers(0, (SIZE[1] - 5, SIZE[0] - 5), (count, 2))
    ends = np.minimum(corners + random.integers(3, 30, (count, 2)), (SIZE[1], SIZE[0]))
    return np.concatenate([corners, ends], axis=1).astype(np.float64)


def random_masks(count, seed):
    """Return crops with their corners."""
    random = np.random.default_rng(seed)
    return [
        (random.random((y2 - y1, x2 - x1)) < 0.7, (x1, y1))
        for x1, y1, x2, y2 in random_boxes(count, seed).astype(int).tolist()
    ]


def full(mask, shift=(0, 0)):
    """Return a mask within an image that has room for it, however it moves."""
    (crop, (x, y)), (right, down) = mask, shift
    image = np.zeros((3 * SIZE[0], 3 * SIZE[1]), np.bool_)
    y, x = SIZE[0] + y + down, SIZE[1] + x + right
    image[y : y + crop.shape[0], x : x + crop.shape[1]] = crop
    return image


def all_pairs(count, other_count, shifts, least):
    first, second = (indices.ravel() for indices in np.indices((count, other_count)))
    return Pairs(first, second, np.array(shifts), np.full(len(first), least))


def test_the_iou_of_boxes_is_that_of_their_pixels():
    first, second = random_boxes(9, 0), random_boxes(7, 1)
    for row, box in enumerate(first):
        for column, other in enumerate(second):
            here, there = (
                full((np.ones((int(y2 - y1), int(x2 - x1)), np.bool_), (int(x1), int(y1))))
                for x1, y1, x2, y2 in (box, other)
            )
            expected = (here & there).sum() / (here | there).sum()
            assert pairwise_box_iou(first, second)[row, column] == pytest.approx(expected)
    assert pairwise_box_iou(first[:0], second).shape == (0, 7)


@pytest.mark.parametrize('least', [0.0, 0.3])
def test_the_iou_of_masks_is_that_of_their_pixels_where_it_matters(least):
    first, second = random_masks(8, 2), random_masks(9, 3)
    shifts = np.random.default_rng(4).uniform(-12, 12, (72, 2))
    pairs = all_pairs(8, 9, shifts, least)
    found = mask_iou(
        *([Silhouette.of(mask) for mask in masks] for masks in (first, second)), pairs
    )
    assert (found > 0).any()
    for iou, row, column, shift in zip(found, pairs.first, pairs.second, shifts, strict=True):
        here = full(first[row], np.rint(shift).astype(int).tolist())
        there = full(second[column])
        expected = (here & there).sum() / (here | there).sum()
        assert iou == pytest.approx(expected) or (iou == 0 and expected < least)


def test_the_iou_of_large_masks_is_estimated():
    y, x = np.ogrid[-1:1:400j, -1:1:600j]
    ellipse = Silhouette.of((x**2 + y**2 < 1, (0, 0)))
    pairs = Pairs(np.array([0]), np.array([0]), np.array([[60.0, 0.0]]), np.array([0.0]))
    moved = np.pad(ellipse.crop, ((0, 0), (60, 0)))
    still = np.pad(ellipse.crop, ((0, 0), (0, 60)))
    expected = (moved & still).sum() / (moved | still).sum()
    assert mask_iou([ellipse], [ellipse], pairs) == pytest.approx([expected], abs=0.02)


def test_no_pairs_and_empty_masks_overlap_nothing():
    empty = Silhouette.of((np.zeros((0, 0), np.bool_), (0, 0)))
    assert mask_iou([], [], all_pairs(0, 0, np.zeros((0, 2)), 0.1)).shape == (0,)
    assert mask_iou([empty], [empty], all_pairs(1, 1, [[0.0, 0.0]], 0.1)).tolist() == [0.0]


def test_sides_beside_a_box_or_the_border_are_doubted():
    boxes = random_boxes(12, 5)
    doubts = side_doubts(boxes, SIZE)
    assert {1.0, CUT_OFF} == set(doubts.ravel().tolist())
    for (x1, y1, x2, y2), found in zip(boxes, doubts, strict=True):
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        beside = [(x1 - BESIDE, y), (x, y1 - BESIDE), (x2 + BESIDE, y), (x, y2 + BESIDE)]
        for (px, py), doubt in zip(beside, found, strict=True):
            is_outside = not (0 <= px <= SIZE[1] and 0 <= py <= SIZE[0])
            is_in_box = any(a < px < c and b < py < d for a, b, c, d in boxes)
            assert doubt == (CUT_OFF if is_outside or is_in_box else 1.0)
    assert side_doubts(boxes[:0], SIZE).shape == (0, 4)
