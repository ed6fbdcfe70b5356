"""The decoders in Python and in C++, against the masks that were encoded."""

import subprocess
from array import array
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from yolact_core.errors import InputError
from yolact_core.masks.rle import mask_to_run_lengths
from yolact_ros.masks import MaskEncoding, decode, paint, to_full_size, unite, window

ROOT = Path(__file__).parents[2]
COMPILER = ['g++', '-std=c++17', '-O1', '-Wall', '-Wextra', '-Wconversion', '-Werror']
ENCODINGS = [MaskEncoding.RLE, MaskEncoding.BITMAP, MaskEncoding.MONO8]

shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
crops = hnp.arrays(bool, shapes)


def make_mask(crop, corner=(0, 0), encoding=MaskEncoding.RLE):
    """Return a message, of a client library that gives lists or arrays."""
    roi = SimpleNamespace(
        x_offset=corner[0], y_offset=corner[1], height=crop.shape[0], width=crop.shape[1]
    )
    rle, data = array('I'), []
    if encoding == MaskEncoding.RLE:
        rle.extend(mask_to_run_lengths(crop).tolist())
    elif encoding == MaskEncoding.BITMAP:
        data = np.packbits(crop).tolist()
    elif encoding == MaskEncoding.MONO8:
        data = (crop.ravel() * 255).tolist()
    return SimpleNamespace(encoding=int(encoding), roi=roi, rle=rle, data=data)


@pytest.fixture
def crop():
    """Return a mask small enough to draw."""
    return np.array([[False, True, True], [True, False, False]])


@given(crops, st.sampled_from(ENCODINGS))
def test_decoding_undoes_encoding(crop, encoding):
    decoded = decode(make_mask(crop, (3, 4), encoding))
    assert decoded.dtype == np.bool_
    np.testing.assert_array_equal(decoded, crop)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_an_empty_mask_decodes_to_nothing(encoding):
    mask = make_mask(np.zeros((0, 0), dtype=bool), encoding=encoding)
    assert decode(mask).shape == (0, 0)
    assert not to_full_size(mask, (4, 5)).any()


def test_the_window_is_a_view_of_the_image(crop):
    image = np.arange(20).reshape(4, 5)
    seen = image[window(make_mask(crop, (1, 2)))]
    assert seen.tolist() == [[11, 12, 13], [16, 17, 18]]
    assert np.shares_memory(seen, image)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_paint_sets_the_pixels_of_the_mask_alone(crop, encoding):
    image = np.zeros((4, 5, 3), dtype=np.uint8)
    paint(make_mask(crop, (1, 2), encoding), image, (7, 8, 9))
    rows, columns = np.nonzero(image.any(axis=2))
    assert list(zip(rows, columns, strict=True)) == [(2, 2), (2, 3), (3, 1)]
    assert (image[rows, columns] == (7, 8, 9)).all()


def test_unite_takes_the_classes_that_are_asked_for(crop):
    corner = make_mask(np.ones((1, 1), dtype=bool))
    array = SimpleNamespace(
        image_height=4,
        image_width=5,
        instances=[
            SimpleNamespace(class_name='cup', mask=make_mask(crop, (1, 2))),
            SimpleNamespace(class_name='person', mask=corner),
        ],
    )
    assert np.argwhere(unite(array, {'person'})).tolist() == [[0, 0]]
    assert np.argwhere(unite(array)).tolist() == [[0, 0], [2, 2], [2, 3], [3, 1]]
    assert unite(array, ['dog']).shape == (4, 5)
    assert not unite(array, ['dog']).any()


@pytest.mark.parametrize(
    ('encoding', 'fields', 'text'),
    [
        (1, {'rle': [1, 3, 3]}, 'runs of a mask must add up to 6, got 7'),
        (1, {'rle': [2**32 - 1] * 2}, 'runs of a mask must add up to 6, got 8589934590'),
        (2, {'data': [1, 2]}, 'bytes of a bitmap must be 1, got 2'),
        (3, {'data': [255]}, 'bytes of a mono8 mask must be 6, got 1'),
        (0, {}, 'encoding of a mask must be RLE, BITMAP or MONO8, got 0'),
        (9, {}, 'encoding of a mask must be RLE, BITMAP or MONO8, got 9'),
    ],
)
def test_malformed_masks_are_refused(crop, encoding, fields, text):
    mask = make_mask(crop, encoding=MaskEncoding.NONE)
    vars(mask).update(encoding=encoding, **fields)
    with pytest.raises(InputError, match=text):
        decode(mask)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_a_mask_of_billions_of_pixels_is_refused_before_memory_is_taken(crop, encoding):
    mask = make_mask(crop)
    mask.encoding, mask.roi.height, mask.roi.width = encoding, 2**16, 2**16
    mask.rle = [2**32 - 1, 1]
    with pytest.raises(InputError, match='must have at most 268435456 pixels, got 4294967296'):
        decode(mask)


def test_an_image_of_billions_of_pixels_is_refused_before_memory_is_taken():
    array = SimpleNamespace(image_height=2**32 - 1, image_width=2**32 - 1, instances=[])
    with pytest.raises(InputError, match='image must have at most 268435456 pixels, got 1844'):
        unite(array)


@pytest.mark.parametrize('corner', [(3, 0), (0, 3)])
def test_a_mask_beyond_the_image_is_refused(crop, corner):
    image = np.zeros((4, 5), dtype=bool)
    with pytest.raises(InputError, match='mask must lie inside the image of 5 x 4, got columns'):
        paint(make_mask(crop, corner), image, value=True)
    assert not image.any()


@pytest.fixture(scope='module')
def compile_cpp(tmp_path_factory):
    """Compile one of the C++ files beside these tests."""

    def compile_one(name):
        program = tmp_path_factory.mktemp('cpp') / name
        source = ROOT / 'test/cpp' / f'{name}.cpp'
        folders = [f'-I{ROOT / "include"}', f'-I{source.parent}']
        try:
            subprocess.run([*COMPILER, *folders, source, '-o', program], check=True)
        except FileNotFoundError:
            pytest.skip('needs a C++ compiler: apt install g++')
        return program

    return compile_one


def test_the_header_passes_its_own_tests(compile_cpp):
    subprocess.run([compile_cpp('test_masks')], check=True, timeout=60)


def test_cpp_decodes_to_the_same_pixels(compile_cpp):
    random = np.random.default_rng(11)
    lines, wanted = [], []
    for number in range(300):
        height, width = random.integers(1, 40, 2)
        rows, columns = random.integers(0, (height + 1, width + 1))
        corner = random.integers(width - columns + 1), random.integers(height - rows + 1)
        crop = random.random((rows, columns)) < random.random()
        mask = make_mask(crop, corner, ENCODINGS[number % 3])
        values = [*mask.rle, *mask.data]
        head = [height, width, mask.encoding, *corner, rows, columns, len(values)]
        lines.append(' '.join(map(str, [*head, *values])))
        full = to_full_size(mask, (height, width))
        wanted.append(''.join(map(str, full.ravel().astype(int))))
    answer = subprocess.run(
        [compile_cpp('decode_masks')],
        input='\n'.join(lines),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout.split('\n')[:-1] == wanted
