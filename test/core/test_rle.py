import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from yolact_core.masks.rle import (
    compress_coco_counts,
    crop_to_coco_counts,
    mask_to_run_lengths,
    run_lengths_to_mask,
)

shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12)
masks = hnp.arrays(bool, shapes)


@given(masks)
def test_decoding_undoes_encoding(mask):
    run_lengths = mask_to_run_lengths(mask)
    assert run_lengths.dtype == np.uint32
    assert run_lengths.sum() == mask.size
    np.testing.assert_array_equal(run_lengths_to_mask(run_lengths, *mask.shape), mask)


@given(masks.filter(lambda mask: mask.size > 0))
def test_runs_alternate_and_only_the_first_may_be_empty(mask):
    run_lengths = mask_to_run_lengths(mask)
    assert (run_lengths[1:] > 0).all()
    assert (run_lengths[0] == 0) == mask.flat[0]


@pytest.mark.parametrize(
    ('rows', 'expected'),
    [
        ([[0, 0], [0, 0]], [4]),
        ([[1, 1], [1, 1]], [0, 4]),
        ([[0, 1], [1, 0]], [1, 2, 1]),
        ([[1]], [0, 1]),
    ],
)
def test_small_masks_by_hand(rows, expected):
    assert mask_to_run_lengths(np.array(rows, dtype=bool)).tolist() == expected


def test_run_lengths_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r'run lengths must add up to 2 \* 3 = 6, got 5'):
        run_lengths_to_mask(np.array([2, 3], dtype=np.uint32), 2, 3)


@given(masks, st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_coco_form_of_a_crop_is_that_of_its_whole_image(crop, left, top, right, bottom):
    whole = np.pad(crop, ((top, bottom), (left, right)))
    if whole.size == 0:
        return
    expected = coco.encode(np.asfortranarray(whole.astype(np.uint8)))['counts'].decode()
    counts = crop_to_coco_counts(crop, (left, top), whole.shape)
    assert compress_coco_counts(counts) == expected


@given(st.lists(st.integers(0, 2**28), min_size=1, max_size=8))  # pycocotools overflows at 2**29
def test_compression_equals_that_of_pycocotools(lengths):
    rle = {'size': [sum(lengths), 1], 'counts': lengths}
    expected = coco.frPyObjects(rle, sum(lengths), 1)['counts'].decode()
    assert compress_coco_counts(np.array(lengths, dtype=np.int64)) == expected
