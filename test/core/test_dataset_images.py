import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from yolact_core import InputError
from yolact_core.dataset.pictures import read_annotated_image

ORIENTATION = 0x0112
TURN_RIGHT, UPSIDE_DOWN = 6, 3


@pytest.fixture
def write_photo(tmp_path, photo):
    """Write the photo, 96 high and 128 wide, with an orientation tag."""

    def write(orientation):
        path = tmp_path / 'photo.jpg'
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        Image.fromarray(photo).save(path, exif=exif, quality=95)
        return path

    return write


def test_pixels_are_taken_as_stored_where_that_fits_the_annotations(write_photo, photo):
    path = write_photo(TURN_RIGHT)
    assert np.abs(read_annotated_image(path, (96, 128)).astype(int) - photo).mean() < 5


def test_an_image_is_turned_where_the_annotations_are_for_the_turned_one(write_photo, photo):
    turned = read_annotated_image(write_photo(TURN_RIGHT), (128, 96))
    assert np.abs(turned.astype(int) - np.rot90(photo, k=-1)).mean() < 5


def test_an_image_that_may_be_upside_down_stays_as_stored(write_photo, photo):
    assert (
        np.abs(
            read_annotated_image(write_photo(UPSIDE_DOWN), (96, 128)).astype(int) - photo
        ).mean()
        < 5
    )


def test_an_image_of_another_size_is_refused(write_photo):
    with pytest.raises(InputError, match=r'must be 100 x 90 pixels.*got 128 x 96'):
        read_annotated_image(write_photo(1), (90, 100))


def test_missing_and_damaged_files_are_refused(tmp_path, photo):
    with pytest.raises(InputError, match='No such file'):
        read_annotated_image(tmp_path / 'nothing.jpg', (96, 128))
    (tmp_path / 'text.png').write_text('this is no image')
    with pytest.raises(InputError, match='decoded'):
        read_annotated_image(tmp_path / 'text.png', (96, 128))
    data = cv2.imencode('.jpg', photo)[1].tobytes()
    (tmp_path / 'cut.jpg').write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match='its end is missing'):
        read_annotated_image(tmp_path / 'cut.jpg', (96, 128))


@pytest.mark.parametrize('orientation', [2, 3, 4])
def test_an_option_says_which_pixels_are_meant(orientation, write_photo, photo):
    path = write_photo(orientation)
    turned = np.asarray(ImageOps.exif_transpose(Image.open(path)), int)
    for option, expected in (('stored', photo.astype(int)), ('upright', turned)):
        found = read_annotated_image(path, (96, 128), option).astype(int)
        assert np.abs(found - expected).mean() < 5


def test_an_option_that_the_size_contradicts_is_refused(write_photo):
    path = write_photo(TURN_RIGHT)
    for option, size in (('stored', (128, 96)), ('upright', (96, 128))):
        with pytest.raises(InputError, match='as its annotations say'):
            read_annotated_image(path, size, option)
