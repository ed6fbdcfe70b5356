import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from yolact_core.dataset.run_lengths import decompress_coco_counts, read_counts
from yolact_core.masks.rle import compress_coco_counts

counts = st.lists(st.integers(0, 2**31 - 1), max_size=30)


@given(counts)
def test_decompression_undoes_compression(values):
    text = compress_coco_counts(np.array(values, dtype=np.int64)).encode()
    assert decompress_coco_counts(text).tolist() == values


def test_counts_of_pycocotools_are_read():
    mask = np.asfortranarray(np.random.default_rng(0).random((37, 23)) > 0.7, dtype=np.uint8)
    values = decompress_coco_counts(coco_mask.encode(mask)['counts'])
    is_foreground = np.arange(len(values)) % 2 == 1
    np.testing.assert_array_equal(np.repeat(is_foreground, values), mask.ravel(order='F'))


@pytest.mark.parametrize('text', [b' ', b'\xff', b'0p', b'o', b'o' * 9 + b'0'])
def test_text_that_is_no_counts_is_refused(text):
    with pytest.raises(ValueError, match='as pycocotools compresses them'):
        decompress_coco_counts(text)


@pytest.mark.parametrize(
    ('counts', 'fault'),
    [
        ([2, 1], 'must add up to the 4 pixels of the image, got 3'),
        ([5, -1], 'must add up to the 4 pixels'),
        ('2', 'must add up to the 4 pixels of the image, got 2'),
        ([1.5, 2.5], 'must be whole numbers'),
        ([2**70], 'must be whole numbers'),
        ([True, 3], 'must be whole numbers'),
        ([2**62, 2**62, 2**62, 2**62, 4], 'must add up to the 4 pixels'),
        ('', 'must add up to the 4 pixels'),
        (None, 'must be whole numbers'),
        ('é', 'must be whole numbers'),
    ],
)
def test_a_fault_of_run_lengths_is_named(counts, fault):
    with pytest.raises(ValueError, match=fault):
        read_counts({'size': [2, 2], 'counts': counts}, (2, 2))


@pytest.mark.parametrize('counts', [[2, 2], '22', b'22'])
def test_run_lengths_are_read_in_every_form(counts):
    assert read_counts({'size': [2, 2], 'counts': counts}, (2, 2)).tolist() == [2, 2]
