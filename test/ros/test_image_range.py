"""Images of 16 bits that use a part of their range, and depth where colours are expected."""

import json
import re
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from yolact_core.cli import main
from yolact_core.errors import InputError
from yolact_core.media.image_files import read_image
from yolact_ros.health.brightness import Brightness, complain
from yolact_ros.images.decoding import brightest, compressed_to_rgb, image_to_rgb
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.types import IMAGE

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
        (
            1023,
            'encoding',
            'reaches only 1023 of 65535, nearly black .* 10bit or stretch fits',
        ),
        (1024, 'encoding', 'image range 12bit or stretch fits'),
        (16000, 'encoding', 'image range 14bit or stretch fits'),
        (900, '14bit', 'reaches only 900 of 16383'),
        (16000, '12bit', 'values up to 16000, above 4095 all is white: .* 14bit'),
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
    with pytest.raises(InputError, match='which is depth: choose a topic of colour'):
        compressed_to_rgb(png(THERMAL, '16UC1; compressedDepth png'))


@pytest.mark.parametrize('image_range', ['10bit', 'stretch'])
def test_files_have_the_same_range_as_messages(tmp_path, image_range):
    path = tmp_path / 'thermal.png'
    cv2.imwrite(str(path), THERMAL)
    assert read_image(path).max() < 5
    expected = image_to_rgb(raw(THERMAL, 'mono16'), image_range)
    np.testing.assert_array_equal(read_image(path, image_range=image_range), expected)


def test_files_of_8_bits_stay_as_they_are(tmp_path, photo):
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), photo)
    np.testing.assert_array_equal(read_image(path, image_range='12bit'), read_image(path))


def test_bags_and_pictures_of_thermal_cameras_are_read_in_the_range_that_is_asked_for(
    run_bag, evaluate_bag, tiny_model, photo, tmp_path, capsys
):
    pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
    from bags import make_header, read_messages, stamp_of, write_bag

    pixels = photo[..., 0].astype(np.uint16) * 4
    (tmp_path / 'in').mkdir()
    cv2.imwrite(str(tmp_path / 'in' / 'one.png'), pixels)
    message = bag_messages.to_image(pixels, 'mono16', make_header(stamp_of(0), 'thermal'))
    bag = write_bag(tmp_path / 'bag', [('/thermal/image', IMAGE, stamp_of(0), message)])
    found = {}
    for image_range in ('encoding', '10bit'):
        out, words = tmp_path / image_range, ('--image-range', image_range)
        model = ('--model', tiny_model, '--score-threshold', 0.05, '--output', out)
        assert main(['detect', *map(str, (tmp_path / 'in', *model, *words))]) == 0
        written = json.loads((out / 'detections.json').read_text())
        boxes = [one['bbox'] for one in written['annotations']]
        assert run_bag(bag, out / 'out.mcap', *words) == 0
        (instances,) = read_messages(out / 'out.mcap')['/yolact/instances']
        assert len(instances[1].instances) == len(boxes)
        capsys.readouterr()
        status, figures, _ = evaluate_bag(bag, '--score-threshold', 0.05, *words)
        assert (status, figures['image_range']) == (0, image_range)
        found[image_range] = boxes
    assert found['encoding'] != found['10bit']
