import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolact_core.errors import InputError
from yolact_core.lifting.removal import CELL, margins_by_age, remove
from yolact_core.masks.instance_masks import InstanceMasks

BEYOND = 2 * (CELL - 1)  # pixels that may be lost beyond the margin


def random_masks(generator, size, count):
    """Masks full of holes, in rectangles anywhere, some of them empty."""
    masks = np.zeros((count, *size), dtype=np.bool_)
    for mask in masks:
        y, x = generator.integers(size[0]), generator.integers(size[1])
        height, width = generator.integers(0, 25, 2)
        mask[y : y + height, x : x + width] = True
        mask &= generator.random(size) < 0.3
    return masks


def widen_by_loops(masks, margins):
    """Cover all pixels that are near one of a mask, one after the other."""
    covered = np.zeros(masks.shape[1:], dtype=np.bool_)
    for mask, margin in zip(masks, margins, strict=True):
        for y, x in np.argwhere(mask):
            top, left = max(y - margin, 0), max(x - margin, 0)
            covered[top : y + margin + 1, left : x + margin + 1] = True
    return covered


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 70), st.integers(1, 70), st.integers(0, 4))
def test_all_within_the_margin_is_removed_and_little_beyond(seed, height, width, count):
    generator = np.random.default_rng(seed)
    dense = random_masks(generator, (height, width), count)
    margins = generator.integers(0, 40, count)
    masks = InstanceMasks.from_dense(dense, (height, width))
    depth = generator.integers(1, 9000, (height, width), dtype=np.uint16)
    left = remove(depth, masks, margins)
    assert not left[widen_by_loops(dense, margins)].any()
    far = ~widen_by_loops(dense, margins + BEYOND)
    np.testing.assert_array_equal(left[far], depth[far])


@pytest.mark.parametrize('kind', [np.uint16, np.float32])
def test_one_pixel_takes_its_neighbours_with_it(kind):
    dense = np.zeros((1, 24, 32), dtype=np.bool_)
    dense[0, 9, 14] = True
    masks = InstanceMasks.from_dense(dense, (24, 32))
    depth = np.full((24, 32), 7, dtype=kind)
    left = remove(depth, masks, np.array([4]))
    assert left.dtype == kind
    removed = np.argwhere(left == 0)
    assert removed.min(axis=0).tolist() == [4, 8]  # cells of 4x4 pixels, one more on each side
    assert removed.max(axis=0).tolist() == [15, 19]
    assert len(removed) == 12 * 12
    assert (depth == 7).all()  # others may use it


def test_holes_of_a_depth_in_metres_stay_as_they_are():
    depth = np.array([[np.nan, np.inf, 1.5, 0.0]], dtype=np.float32)
    masks = InstanceMasks.from_dense(np.zeros((1, 1, 4), dtype=np.bool_), (1, 4))
    np.testing.assert_array_equal(remove(depth, masks, np.array([9])), depth)
    np.testing.assert_array_equal(remove(depth, masks[:0], np.zeros(0, int)), depth)


def test_depth_of_another_size_is_refused():
    masks = InstanceMasks.from_dense([], (48, 64))
    with pytest.raises(
        InputError, match='depth must have the size of the masks, 64x48 pixels, got 32x24'
    ):
        remove(np.ones((24, 32), dtype=np.uint16), masks, np.zeros(0, dtype=np.int64))


def test_the_margin_grows_with_age_and_with_the_size_of_the_object():
    dense = np.zeros((2, 50, 50), dtype=np.bool_)
    dense[0, 10:50, 10:30] = True
    dense[1, 5, 5] = True
    masks = InstanceMasks.from_dense(dense, (50, 50))
    assert margins_by_age(masks, 3, 0.0, 1.0).tolist() == [3, 3]
    assert margins_by_age(masks, 3, 0.25, 1.0).tolist() == [13, 4]
    assert margins_by_age(masks, 3, 0.25, 2.0).tolist() == [23, 4]
    assert margins_by_age(masks, 3, -1.0, 1.0).tolist() == [3, 3]  # a clock that went back
    assert margins_by_age(masks[:0], 3, 1.0, 1.0).shape == (0,)
