"""Headers say what decoding says, in every format, and bound what is decoded."""

from __future__ import annotations

import io
import os
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from yolact_core import InputError
from yolact_core.media.image_files import MOST_PIXELS, find_images, read_header, read_image
from yolact_core.media.image_headers import parse_orientation
from yolact_core.media.sources import find_sources

RGB = np.random.default_rng(0).integers(0, 256, (8, 16, 3), dtype=np.uint8)
LOSSLESS = {'.png': {}, '.webp': {'lossless': True}, '.jpg': {'quality': 100}, '.tif': {}}


def encode(suffix: str, orientation: int = 1, mode: str = 'RGB') -> bytes:
    exif = Image.Exif()
    exif[0x112] = orientation
    file = io.BytesIO()
    kind = {'.jpg': 'JPEG', '.tif': 'TIFF', '.jp2': 'JPEG2000', '.ppm': 'PPM'}
    options = {'exif': exif} if suffix in LOSSLESS else {}
    image = Image.fromarray(RGB).convert(mode)
    image.save(file, kind.get(suffix, suffix[1:]), **options, **LOSSLESS.get(suffix, {}))
    return file.getvalue()


@pytest.mark.parametrize('suffix', LOSSLESS)
@pytest.mark.parametrize('orientation', range(1, 9))
def test_every_orientation_is_turned_as_viewers_do_in_every_format(suffix, orientation, tmp_path):
    path = tmp_path / f'turned{suffix}'
    path.write_bytes(encode(suffix, orientation))
    upright, header = read_image(path), read_header(path)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert('RGB'))
    assert np.abs(upright.astype(int) - expected).max() <= (3 if suffix == '.jpg' else 0)
    assert header.upright_size == upright.shape[:2]
    assert header.size == read_image(path, turn_upright=False).shape[:2]
    assert header.orientation == (1 if suffix == '.tif' else orientation)


@pytest.mark.parametrize('suffix', ['.bmp', '.gif', '.jp2', '.ppm', '.tif'])
def test_the_size_of_other_formats_is_known(suffix, tmp_path):
    path = tmp_path / f'picture{suffix}'
    path.write_bytes(encode(suffix))
    assert read_header(path).size == read_image(path).shape[:2] == (8, 16)


@pytest.mark.parametrize(('suffix', 'mode'), [('.jpg', 'CMYK'), ('.png', 'P'), ('.webp', 'RGBA')])
def test_other_kinds_of_pixels_are_read(suffix, mode, tmp_path):
    path = tmp_path / f'picture{suffix}'
    path.write_bytes(encode(suffix, mode=mode))
    assert read_header(path).size == read_image(path).shape[:2] == (8, 16)


def test_of_an_animation_the_first_image_is_read(tmp_path):
    for name in ('a.gif', 'a.webp', 'a.png'):
        first, second = (Image.new('RGB', (16, 8), color) for color in ('red', 'blue'))
        first.save(tmp_path / name, save_all=True, append_images=[second], lossless=True)
        assert read_header(tmp_path / name).size == (8, 16)
        assert read_image(tmp_path / name)[0, 0].tolist() == [255, 0, 0] or name == 'a.gif'


def test_a_picture_beyond_the_bound_is_refused_before_it_is_decoded(tmp_path):
    png = bytearray(encode('.png'))
    png[16:24] = struct.pack('>II', 2**15, 2**14)
    (tmp_path / 'bomb.png').write_bytes(png)
    for read in (read_header, read_image):
        with pytest.raises(InputError, match=f'at most {MOST_PIXELS} pixels, got 32768 x 16384'):
            read(tmp_path / 'bomb.png')


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp'])
def test_a_header_is_not_enough_where_the_end_is_missing(suffix, tmp_path):
    data = encode(suffix)
    (tmp_path / f'cut{suffix}').write_bytes(data[:-3])
    with pytest.raises(InputError, match='must be a whole image file, but its end is missing'):
        read_header(tmp_path / f'cut{suffix}')


def test_headers_that_break_off_anywhere_are_refused_or_read(tmp_path):
    path = tmp_path / 'cut'
    for suffix in (*LOSSLESS, '.bmp', '.gif', '.jp2', '.ppm'):
        data = encode(suffix, orientation=6)
        for end in range(0, len(data), 7):
            path.write_bytes(data[:end])
            try:
                assert read_header(path).size in ((8, 16), (16, 8))
            except InputError as error:
                assert 'cut must be' in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    'exif', [b'', b'II*\0', b'MM\0*\xff\xff\xff\xff', b'II*\0\x08\0\0\0\x09\0']
)
def test_exif_data_that_break_off_mean_upright(exif):
    assert parse_orientation(exif) == 1


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'pipe.jpg')
    with pytest.raises(InputError, match=r'pipe\.jpg must be a readable file, got a folder or a'):
        read_image(tmp_path / 'pipe.jpg')


def test_hidden_files_in_folders_are_skipped_and_all_kinds_of_pictures_found(tmp_path):
    names = ('a.jpg', 'b.gif', 'c.AVIF', '._a.jpg', 'Thumbs.db', '.cache/d.jpg', 'deep/e.png')
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / 'folder.jpg').mkdir()
    shallow = ['a.jpg', 'b.gif', 'c.AVIF']
    assert [one.name for one in find_sources([str(tmp_path)])] == shallow
    assert [path.name for path in find_images(tmp_path, 9)] == [*shallow, 'e.png']
