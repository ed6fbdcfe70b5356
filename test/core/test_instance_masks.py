import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from yolact_core import InstanceMasks
from yolact_core.masks.rle import run_lengths_to_mask


def from_dense(dense):
    return InstanceMasks.from_dense(dense, dense.shape[1:])


@st.composite
def dense_masks(draw):
    count, height, width = draw(st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 9)))
    bits = draw(st.integers(0, 2 ** (count * height * width) - 1))
    flat = [bits >> position & 1 for position in range(count * height * width)]
    return np.array(flat, dtype=bool).reshape(count, height, width)


@given(dense_masks())
def test_every_form_describes_the_same_masks(dense):
    masks = from_dense(dense)
    np.testing.assert_array_equal(masks.dense(), dense)
    np.testing.assert_array_equal(masks.areas(), dense.sum(axis=(1, 2)))
    for mask, rle in zip(dense, masks.coco_rles(), strict=True):
        np.testing.assert_array_equal(coco.decode(rle).astype(bool), mask)
    for (crop, _), run_lengths in zip(masks, masks.run_lengths, strict=True):
        np.testing.assert_array_equal(run_lengths_to_mask(run_lengths, *crop.shape), crop)


@given(dense_masks())
def test_the_label_image_shows_the_first_mask_at_each_pixel(dense):
    labels = from_dense(dense).label_image()
    assert labels.dtype == np.uint16
    padded = np.concatenate([dense, np.ones((1, *dense.shape[1:]), dtype=bool)])
    first = padded.argmax(axis=0)
    np.testing.assert_array_equal(labels, np.where(first == len(dense), 0, first + 1))


@settings(max_examples=20)
@given(dense_masks())
def test_polygons_follow_each_mask(dense):
    for mask, parts in zip(dense, from_dense(dense).polygons(), strict=True):
        assert bool(parts) == mask.any()


@pytest.mark.parametrize(
    'index', [slice(1, 3), [2, 0], np.array([True, False, True]), slice(0, 0), np.array([], int)]
)
def test_masks_are_picked_like_rows_of_an_array(index):
    dense = np.zeros((3, 4, 5), dtype=bool)
    dense[0, 1, 1] = dense[1, 2, 2:4] = dense[2, 0, 0] = True
    np.testing.assert_array_equal(from_dense(dense)[index].dense(), dense[index])


def test_no_masks_are_masks_too():
    masks = from_dense(np.zeros((0, 6, 7), dtype=bool))
    assert len(masks) == 0
    assert masks.dense().shape == (0, 6, 7)
    assert masks.areas().shape == (0,)
    assert masks.coco_rles() == masks.polygons() == []
    assert masks.run_lengths == masks.crops == ()
    assert not masks.label_image().any()
