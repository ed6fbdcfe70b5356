"""Images of 16 bits that use a part of their range, and depth where colours are expected."""

import re
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from yolact_core.errors import InputError
from yolact_ros.health.brightness import Brightness, complain
from yolact_ros.images.decoding import brightest, compressed_to_rgb, image_to_rgb

THERMAL = np.linspace(0, 1023, 48 * 64).reshape(48, 64).astype(np.uint16)


def raw(pixels, encoding, order='<'):
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    return SimpleNamespace(
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=order == '>',
        step=pixels.strides[0],
        data=data,
    )


def png(pixels, form):
    return SimpleNamespace(format=form, data=cv2.imencode('.png', pixels)[1].tobytes())


@pytest.mark.parametrize('encoding', ['mono16', 'bayer_rggb16', '16UC1'])
@pytest.mark.parametrize(('image_range', 'peak'), [('16bit', 4), ('12bit', 64), ('10bit', 255)])
def test_the_range_says_which_values_are_white(encoding, image_range, peak):
    rgb = image_to_rgb(raw(THERMAL, encoding), image_range)
    assert (rgb.min(), rgb.max()) == (0, peak)


def test_what_is_above_the_range_is_white():
    assert image_to_rgb(raw(THERMAL + 5000, 'mono16'), '12bit').min() == 255


def test_stretching_uses_all_of_each_image_in_either_byte_order():
    for pixels in (THERMAL + 8000, THERMAL // 8):
        for order in '<>':
            rgb = image_to_rgb(raw(pixels, 'mono16', order), 'stretch')
            assert (rgb.min(), rgb.max()) == (0, 255)


def test_colours_of_16_bits_are_stretched_together():
    pixels = np.dstack([THERMAL, THERMAL // 2, THERMAL // 4])
    rgb = image_to_rgb(raw(pixels, 'rgb16'), 'stretch')
    assert rgb[..., 0].max() == 255
    assert rgb[..., 2].max() < 100


def test_without_a_choice_the_encoding_says_the_range():
    assert image_to_rgb(raw(THERMAL, 'mono16')).max() == 4
    assert image_to_rgb(raw(THERMAL, '16UC1')).max() == 255


def test_compressed_images_have_the_same_range():
    message = png(THERMAL, 'mono16; png compressed')
    np.testing.assert_array_equal(
        compressed_to_rgb(message, '12bit'), image_to_rgb(raw(THERMAL, 'mono16'), '12bit')
    )
    assert brightest(message) == brightest(raw(THERMAL, 'mono16', '>')) == 1023


def test_images_of_8_bits_have_no_range_to_choose():
    pixels = (THERMAL // 4).astype(np.uint8)
    assert image_to_rgb(raw(pixels, 'mono8'), '10bit').max() == 255
    assert brightest(raw(pixels, 'mono8')) is None


@pytest.mark.parametrize(
    ('peak', 'image_range', 'words'),
    [
        (1023, 'encoding', 'reach only 1023 of 65535, nearly black .* to 10bit or stretch'),
        (1024, 'encoding', 'set image_range to 12bit or stretch'),
        (16000, 'encoding', 'set image_range to 14bit or stretch'),
        (900, '14bit', 'reach only 900 of 16383'),
        (16000, '12bit', 'values up to 16000, above 4095 all is white: set .* to 14bit'),
    ],
)
def test_a_range_that_does_not_fit_is_told_with_one_that_does(peak, image_range, words):
    said = complain(Brightness('/thermal/image', 'mono16', peak), image_range)
    assert re.search(words, said), said


@pytest.mark.parametrize(
    ('encoding', 'peak', 'image_range'),
    [
        ('mono16', 40000, 'encoding'),
        ('mono16', 1023, '10bit'),
        ('mono16', 1023, 'stretch'),
        ('16UC1', 1023, 'encoding'),
    ],
)
def test_a_range_that_fits_is_none_to_speak_of(encoding, peak, image_range):
    assert complain(Brightness('/thermal/image', encoding, peak), image_range) == ''


@pytest.mark.parametrize('encoding', ['mono16', '16UC1'])
def test_depth_is_known_by_its_topic(encoding):
    seen = Brightness('/camera/depth/image_rect_raw', encoding, 9000)
    assert 'are depth by their name' in complain(seen, 'encoding')


@pytest.mark.parametrize('encoding', ['32FC1', '64FC1', '16SC1'])
def test_depth_is_refused_as_such(encoding):
    with pytest.raises(InputError, match=f"must show colours .* got '{encoding}', which is depth"):
        image_to_rgb(raw(THERMAL, encoding))


def test_compressed_depth_is_refused_as_such():
    with pytest.raises(InputError, match='which is depth: remap image to a topic of colour'):
        compressed_to_rgb(png(THERMAL, '16UC1; compressedDepth png'))
