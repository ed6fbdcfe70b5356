import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from yolact_core.dataset.segmentation import (
    POLYGONS,
    RLE,
    SegmentationStore,
    decode_masks,
    pack_segmentation,
    segmentation_to_rle,
    usable_rings,
)

SIZE = (40, 60)
TRIANGLE = [3.5, 2.25, 50.1, 10.7, 20.3, 38.9]


@given(
    hnp.arrays(
        np.uint8,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=9),
        elements={'min_value': 0, 'max_value': 1},
    )
)
def test_decoding_undoes_the_encoding_of_pycocotools(masks):
    rles = [coco_mask.encode(np.asfortranarray(mask)) for mask in masks]
    np.testing.assert_array_equal(decode_masks(rles, masks.shape[1:]).dense(), masks)


def test_runs_of_no_length_are_read_too():
    rle = segmentation_to_rle({'counts': [0, 2, 0, 1, 0, 0, 3]}, (3, 2))
    assert decode_masks([rle], (3, 2)).dense().tolist() == [[[1, 0], [1, 0], [1, 0]]]


def test_no_masks_are_an_array_without_masks():
    assert decode_masks([], SIZE).dense().shape == (0, *SIZE)


def test_polygons_are_rasterised_as_pycocotools_does():
    other = [0, 30, 10, 30, 10, 39, 0, 39]
    rle = segmentation_to_rle([TRIANGLE, other], SIZE)
    expected = coco_mask.decode(coco_mask.frPyObjects([TRIANGLE, other], *SIZE)).any(axis=2)
    np.testing.assert_array_equal(decode_masks([rle], SIZE).dense()[0], expected)


@pytest.mark.parametrize(
    'segmentation', [None, [], [[1, 2, 3, 4]], 'all', [[1, 2, 3, 4, 5, 6, 7]]]
)
def test_what_encloses_nothing_is_no_mask(segmentation):
    assert usable_rings(segmentation) == []
    assert segmentation_to_rle(segmentation, SIZE) is None


def test_a_store_gives_back_what_was_put_in():
    runs = {'size': list(SIZE), 'counts': [100, 50, 2250]}
    items = ([TRIANGLE], runs, [TRIANGLE, [1, 2, 3, 4]])
    packed = SegmentationStore.join(pack_segmentation(item, SIZE) for item in items)
    masks = decode_masks([packed.rle(index, SIZE) for index in range(3)], SIZE).dense()
    triangle = decode_masks([segmentation_to_rle([TRIANGLE], SIZE)], SIZE).dense()[0]
    np.testing.assert_array_equal(masks[0], triangle)
    np.testing.assert_array_equal(masks[2], triangle)
    assert masks[1].sum() == 50
    assert packed.kinds.tolist() == [POLYGONS, RLE, POLYGONS]
