"""Image files of many kinds, whole and not."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest

from yolact_core import InputError
from yolact_core.media.image_files import read_image, write_image
from yolact_core.media.image_headers import parse_header


def is_whole(data: bytes) -> bool:
    header = parse_header(io.BytesIO(data))
    return header is not None and header.is_whole


@pytest.fixture
def encode(photo):
    return lambda suffix: cv2.imencode(suffix, photo[..., ::-1])[1].tobytes()


@pytest.mark.parametrize('suffix', ['.png', '.bmp', '.tif', '.ppm', '.jpg', '.webp', '.jp2'])
def test_formats_are_read_as_rgb_whatever_the_name(suffix, encode, photo, tmp_path):
    path = tmp_path / f'Straße 日本{suffix}'
    path.write_bytes(encode(suffix))
    is_lossless = suffix in ('.png', '.bmp', '.tif', '.ppm')
    assert np.abs(read_image(path).astype(int) - photo).mean() <= (0 if is_lossless else 8)


def test_grey_images_get_three_equal_channels(photo, tmp_path):
    write_image(tmp_path / 'grey.png', photo[..., 0])
    rgb = read_image(tmp_path / 'grey.png')
    np.testing.assert_array_equal(rgb, photo[..., :1].repeat(3, axis=2))


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    write_image(tmp_path / 'deep.png', np.array([[0, 0x8000, 0xFFFF]], dtype=np.uint16))
    np.testing.assert_array_equal(read_image(tmp_path / 'deep.png')[0, :, 0], [0, 128, 255])


def test_transparency_is_dropped(photo, tmp_path):
    transparent = np.dstack([photo[..., ::-1], np.zeros(photo.shape[:2], dtype=np.uint8)])
    (tmp_path / 'clear.png').write_bytes(cv2.imencode('.png', transparent)[1].tobytes())
    np.testing.assert_array_equal(read_image(tmp_path / 'clear.png'), photo)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Insert an EXIF segment that says how the camera was held."""
    tiff = b'MM\x00*\x00\x00\x00\x08' + struct.pack('>HHHIHHI', 1, 0x112, 3, 1, orientation, 0, 0)
    content = b'Exif\x00\x00' + tiff
    return jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(content) + 2) + content + jpeg[2:]


def test_exif_orientation_turns_the_image_upright(encode, photo, tmp_path):
    (tmp_path / 'turned.jpg').write_bytes(with_orientation(encode('.jpg'), 6))
    rgb = read_image(tmp_path / 'turned.jpg')
    assert rgb.shape == (128, 96, 3)
    assert np.abs(rgb.astype(int) - np.rot90(photo, -1)).mean() < 8


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp', '.tif', '.webp', '.jp2'])
@pytest.mark.parametrize('rest', [0.02, 0.5, 0.95])
def test_a_file_that_was_cut_off_is_refused(suffix, rest, encode, tmp_path):
    data = encode(suffix)
    path = tmp_path / f'cut{suffix}'
    path.write_bytes(data[: int(len(data) * rest)])
    with pytest.raises(InputError, match=r'cut\.\w+ must be'):
        read_image(path)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_a_file_is_not_whole_without_its_last_bytes(suffix, encode):
    data = encode(suffix)
    assert is_whole(data)
    assert is_whole(data + b'trailing bytes')
    assert not any(is_whole(data[:-missing]) for missing in range(1, 12) if suffix == '.png')
    assert not any(is_whole(data[: len(data) - missing]) for missing in (1, 2, 3, 100))


def test_the_end_of_a_thumbnail_is_not_the_end_of_its_image(encode):
    jpeg = encode('.jpg')
    segment = b'\xff\xe1' + struct.pack('>H', len(jpeg) + 2) + jpeg
    with_thumbnail = jpeg[:2] + segment + jpeg[2:]
    assert is_whole(with_thumbnail)
    assert not is_whole(with_thumbnail[:-2])


def test_a_png_chunk_that_holds_the_name_of_the_end_is_not_the_end(encode):
    png = encode('.png')
    content = b'tEXtnote\x00IEND'
    chunk = struct.pack('>I', len(content) - 4) + content
    chunk += struct.pack('>I', zlib.crc32(content))
    assert is_whole(png[:33] + chunk + png[33:])
    assert not is_whole(png[:33] + chunk + png[33:-12])


@pytest.mark.parametrize('content', [b'', b'\xff', b'\xff\xd8', b'\xff\xd8\xff', b'plain text'])
def test_what_is_no_image_is_refused(content, tmp_path):
    (tmp_path / 'odd.jpg').write_bytes(content)
    with pytest.raises(InputError, match=r'odd\.jpg must be an? (whole )?image'):
        read_image(tmp_path / 'odd.jpg')


def test_a_folder_and_an_absent_file_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / 'absent.png'):
        with pytest.raises(InputError, match='must be a readable file'):
            read_image(path)


def test_nothing_is_left_where_an_image_cannot_be_written(photo, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match=r'below\.png must be writable'):
        write_image(tmp_path / 'file' / 'below.png', photo)
    assert [path.name for path in tmp_path.iterdir()] == ['file']
