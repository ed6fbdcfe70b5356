"""Depth in messages: the unit comes from the encoding, and holes stay holes."""

from __future__ import annotations

import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from yolact_core.errors import InputError
from yolact_ros.images.depth import decompress_depth, read_depth

METRES = np.array([[0.5, 1.25, 0.0], [2.0, np.nan, 9.999]], dtype=np.float32)
KNOWN = METRES > 0
ENCODINGS = {'16UC1': '<u2', 'mono16': '<u2', '32FC1': '<f4'}


def to_values(metres, kind):
    return metres if np.dtype(kind).kind == 'f' else np.nan_to_num(metres * 1000).round()


def make_depth(encoding, kind, padding=0):
    rows = [row.tobytes() + bytes(padding) for row in to_values(METRES, kind).astype(kind)]
    return SimpleNamespace(
        height=2,
        width=3,
        encoding=encoding,
        step=len(rows[0]),
        is_bigendian=int(kind.startswith('>')),
        data=b''.join(rows),
    )


def compress(values, form, numbers=(0.0, 0.0)):
    _, png = cv2.imencode('.png', values)
    return SimpleNamespace(format=form, data=struct.pack('<iff', 0, *numbers) + png.tobytes())


def compress_as_the_transport_does(metres, largest=10.0, resolution=100.0):
    """Quantize the inverse of the depth, as compressed_depth_image_transport does."""
    numerator = resolution * (resolution + 1.0)
    offset = 1.0 - numerator / largest
    inverse = np.zeros(metres.shape, dtype=np.uint16)
    known = (metres > 0) & (metres < largest)
    inverse[known] = (numerator / metres[known] + offset).astype(np.uint16)
    return compress(inverse, '32FC1; compressedDepth png', (numerator, offset))


def whole(depth):
    return depth.crop(0, 0, *depth.size)


@pytest.mark.parametrize('encoding', ENCODINGS)
@pytest.mark.parametrize('order', ['<', '>'])
@pytest.mark.parametrize('padding', [0, 8])
def test_depth_is_in_metres_whatever_the_encoding(encoding, order, padding):
    depth = read_depth(make_depth(encoding, order + ENCODINGS[encoding][1:], padding))
    np.testing.assert_allclose(whole(depth)[KNOWN], METRES[KNOWN], atol=1e-6)
    assert np.isnan(whole(depth)[~KNOWN]).all()


def test_metres_are_not_divided_as_if_they_were_millimetres():
    same = {encoding: make_depth(encoding, kind) for encoding, kind in ENCODINGS.items()}
    nearest = {encoding: whole(read_depth(one))[0, 0] for encoding, one in same.items()}
    assert nearest == {'16UC1': 0.5, 'mono16': 0.5, '32FC1': 0.5}


def test_depth_that_the_machine_can_read_is_not_copied():
    message = make_depth('16UC1', '<u2')
    message.data = bytearray(message.data)
    depth = read_depth(message)
    message.data[:2] = (700).to_bytes(2, 'little')
    assert depth.values[0, 0] == 700


def test_what_is_no_depth_is_refused():
    with pytest.raises(InputError, match="one of 16UC1, mono16, 32FC1, got 'rgb8'"):
        read_depth(make_depth('rgb8', '<u2'))
    with pytest.raises(InputError, match="one of 16UC1, mono16, 32FC1, got ''"):
        decompress_depth(compress(np.ones((2, 3), np.uint16), ''))


def test_depth_that_is_cut_off_is_refused():
    message = make_depth('16UC1', '<u2')
    message.data = message.data[:-1]
    with pytest.raises(InputError, match='must have at least 12 bytes, got 11'):
        read_depth(message)


@pytest.mark.parametrize('form', ['16UC1; compressedDepth png', '16UC1; compressedDepth'])
def test_compressed_millimetres_are_exact(form):
    depth = decompress_depth(compress(to_values(METRES, '<u2').astype(np.uint16), form))
    np.testing.assert_allclose(whole(depth)[KNOWN], METRES[KNOWN], atol=1e-6)
    assert np.isnan(whole(depth)[~KNOWN]).all()


def test_compressed_metres_are_as_exact_as_the_transport_makes_them():
    metres = np.random.default_rng(3).uniform(0.3, 9.5, (40, 50)).astype(np.float32)
    metres[:5], metres[5] = 0.0, np.nan
    depth = whole(decompress_depth(compress_as_the_transport_does(metres)))
    assert np.isnan(depth[:6]).all()
    error = np.abs(depth[6:] - metres[6:])
    assert (error <= metres[6:] ** 2 / (100.0 * 101.0) * 1.1).all()
    assert error.max() > 0


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        (b'', 'must be 12 bytes and a PNG of 16 bits, got 0 bytes'),
        (bytes(11), 'got 11 bytes'),
        (bytes(12) + b'RVL...', "format '16UC1; compressedDepth png' that are not"),
        (compress(np.ones((2, 3), np.uint8), '').data, 'a PNG of 16 bits'),
        (compress(np.ones((2, 3, 3), np.uint16), '').data, 'a PNG of 16 bits'),
        (compress(np.ones((90, 90), np.uint16), '').data[:-20], 'the end is missing'),
    ],
)
def test_what_is_no_compressed_depth_is_refused(data, words):
    with pytest.raises(InputError, match=words):
        decompress_depth(SimpleNamespace(format='16UC1; compressedDepth png', data=data))
