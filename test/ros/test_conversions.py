import sys
import types

import cv2
import numpy as np
import pytest

WHY_SKIPPED = 'needs ROS 2: make setup'
pytest.importorskip('sensor_msgs.msg', reason=WHY_SKIPPED)

from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from yolact_core.errors import InputError  # noqa: E402
from yolact_ros.images.decoding import compressed_to_rgb, image_to_rgb  # noqa: E402
from yolact_ros.messages.builder import ros_messages  # noqa: E402


def make_message(encoding, size, step):
    message = Image(height=size[0], width=size[1], encoding=encoding, step=step)
    message.data.frombytes(bytes(range(step * size[0])))
    return message


def test_rgb_without_padding_is_not_copied():
    message = make_message('rgb8', (4, 5), 15)
    rgb = image_to_rgb(message)
    message.data[0] ^= 255
    assert rgb[0, 0, 0] == message.data[0]


def test_data_may_be_longer_than_the_image():
    message = make_message('bgr8', (2, 2), 6)
    message.data.append(1)
    assert image_to_rgb(message).shape == (2, 2, 3)


@pytest.mark.parametrize(
    ('fields', 'text'),
    [
        ({'height': 0}, 'image must have at least one pixel, got 4 x 0'),
        ({'width': 0}, 'image must have at least one pixel, got 0 x 2'),
        ({'step': 11}, 'step of a rgb8 image of 4 x 2 must be at least 12 bytes, got 11'),
        ({'step': 0}, 'step of a rgb8 image of 4 x 2 must be at least 12 bytes, got 0'),
        ({'step': 13}, 'with step 13 must have at least 26 bytes, got 24'),
        ({'height': 3}, 'rgb8 image of 4 x 3 with step 12 must have at least 36 bytes, got 24'),
        ({'height': 2**32 - 1, 'step': 2**32 - 1}, 'must have at least 18446744065119617025 b'),
        ({'encoding': 'rgba8'}, 'step of a rgba8 image of 4 x 2 must be at least 16 bytes, g'),
        ({'encoding': 'nv12'}, 'nv12 image of 4 x 2 with step 12 must have at least 36 bytes'),
        ({'encoding': 'nv12', 'width': 11, 'step': 11}, 'step of .* must be at least 12 bytes'),
        ({'encoding': 'nv24', 'step': 4}, None),
        ({'encoding': 'nv24', 'step': 5}, 'with step 5 must have at least 30 bytes, got 24'),
        ({'encoding': '32FC1'}, "must show colours or brightness, got '32FC1', which is depth"),
        ({'encoding': ''}, "encoding must be one of rgb8, .* nv24, or cv_bridge .*, got ''"),
    ],
)
def test_malformed_images_are_refused_in_one_sentence(fields, text, monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    message = make_message('rgb8', (2, 4), 12)
    for name, value in fields.items():
        setattr(message, name, value)
    if text is None:
        assert image_to_rgb(message).shape == (2, 4, 3)
        return
    with pytest.raises(InputError, match=text):
        image_to_rgb(message)


def test_cv_bridge_takes_what_is_not_known_here(monkeypatch):
    class CvBridge:
        def imgmsg_to_cv2(self, message, desired_encoding):
            if message.encoding == '8SC4':
                raise RuntimeError('no colour conversion\nfrom 8SC4')
            assert desired_encoding == 'rgb8'
            return np.full((message.height, message.width, 3), 9, dtype=np.uint8)

    bridge = types.SimpleNamespace(CvBridge=CvBridge)
    monkeypatch.setitem(sys.modules, 'cv_bridge', bridge)
    assert (image_to_rgb(make_message('8SC3', (2, 4), 12)) == 9).all()
    with pytest.raises(InputError, match="got '8SC4': no colour conversion from 8SC4"):
        image_to_rgb(make_message('8SC4', (2, 4), 16))


def compress(pixels, suffix, form):
    """Return a message with an array as image_transport would compress it."""
    _, data = cv2.imencode(suffix, pixels)
    message = CompressedImage(format=form)
    message.data.frombytes(data.tobytes())
    return message


@pytest.fixture
def rgb(photo):
    return photo[:15, :21].copy()


@pytest.mark.parametrize(
    ('form', 'is_bgr'),
    [
        ('png', True),
        ('', True),
        ('bgr8; png compressed bgr8', True),
        ('rgb8; png compressed bgr8', True),
        ('bgra8; png compressed bgr8', True),
        ('bayer_rggb8; png compressed bgr8', True),
        ('rgb8; png', True),
        ('rgb8; png compressed rgb8', False),
        ('bgr8; png compressed ', False),
    ],
)
def test_colours_of_png_are_as_the_format_says(rgb, form, is_bgr):
    stored = rgb[..., ::-1] if is_bgr else rgb  # the compressor takes all for BGR
    np.testing.assert_array_equal(compressed_to_rgb(compress(stored, '.png', form)), rgb)


@pytest.mark.parametrize('form', ['jpeg', 'jpg', 'bgr8; jpeg compressed bgr8'])
def test_jpeg_becomes_rgb(photo, form):
    message = compress(photo[..., ::-1], '.jpg', form)
    assert abs(compressed_to_rgb(message).astype(int) - photo).mean() < 4


def test_transparency_is_dropped(rgb):
    bgra = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA)
    bgra[..., 3] = 7
    np.testing.assert_array_equal(compressed_to_rgb(compress(bgra, '.png', 'png')), rgb)


@pytest.mark.parametrize('encoding', ['mono8', 'mono16', '16UC1', 'bayer_gbrg8', 'bayer_grbg16'])
def test_one_channel_is_decoded_as_the_original_would_be(encoding):
    kind = np.uint16 if '16' in encoding else np.uint8
    grey = np.random.default_rng(5).integers(0, np.iinfo(kind).max, (6, 8)).astype(kind)
    message = compress(grey, '.png', f'{encoding}; png compressed ')
    wanted = image_to_rgb(ros_messages.to_image(grey, encoding, Header()))
    np.testing.assert_array_equal(compressed_to_rgb(message), wanted)


def test_one_channel_of_unknown_origin_is_grey():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for form in ('png', 'rgb8; jpeg compressed bgr8', 'mono16; png compressed '):
        rgb = compressed_to_rgb(compress(grey, '.png', form))
        np.testing.assert_array_equal(rgb, np.dstack([grey] * 3))


def test_sixteen_bits_per_colour_are_scaled(rgb):
    stored = rgb[..., ::-1].astype(np.uint16) * 257
    message = compress(stored, '.png', 'rgb16; png compressed bgr16')
    np.testing.assert_array_equal(compressed_to_rgb(message), rgb)


@pytest.mark.parametrize(
    ('suffix', 'size', 'text'),
    [
        ('.jpg', -2, 'compressed image must be whole, but the end is missing after [0-9]+ bytes'),
        ('.jpg', 300, 'compressed image must be whole'),
        ('.png', -12, 'compressed image must be whole'),
        ('.jpg', 0, "must be a JPEG, PNG .*, got 0 bytes of format 'f' that cannot be decoded"),
    ],
)
def test_data_that_is_cut_off_is_refused(photo, suffix, size, text):
    message = compress(photo, suffix, 'f')
    message.data = message.data[:size]
    with pytest.raises(InputError, match=text):
        compressed_to_rgb(message)


@pytest.mark.parametrize('suffix', ['.png', '.bmp', '.tif', '.jpg', '.webp'])
def test_a_large_image_in_a_few_bytes_is_refused_before_it_is_decoded(monkeypatch, suffix):
    monkeypatch.setattr('yolact_ros.images.decoding.MOST_PIXELS', 99)
    monkeypatch.setattr('cv2.imdecode', lambda *_: pytest.fail('it was decoded'))
    message = compress(np.zeros((10, 10, 3), np.uint8), suffix, 'f')
    with pytest.raises(InputError, match='must have at most 99 pixels, got 10 x 10'):
        compressed_to_rgb(message)


def test_formats_without_a_known_header_are_refused(monkeypatch):
    monkeypatch.setattr('cv2.imdecode', lambda *_: pytest.fail('it was decoded'))
    message = compress(np.zeros((10, 10, 3), np.float32), '.hdr', 'f')
    with pytest.raises(InputError, match='cannot be decoded as one'):
        compressed_to_rgb(message)


def test_what_is_no_image_is_refused():
    message = CompressedImage(format='h264', data=b'\x00\x00\x00\x01gibberish')
    with pytest.raises(InputError, match="got 13 bytes of format 'h264' that cannot be decoded"):
        compressed_to_rgb(message)


def test_images_of_other_than_8_or_16_bits_are_refused():
    message = compress(np.ones((3, 4), np.float32), '.tiff', '32FC1; tiff compressed ')
    with pytest.raises(InputError, match='must be a JPEG, PNG or other image of 8 or 16 bits'):
        compressed_to_rgb(message)


@pytest.mark.parametrize(
    ('encoding', 'shape', 'kind', 'step'),
    [
        ('bgr8', (3, 5, 3), np.uint8, 15),
        ('mono8', (3, 5), np.uint8, 5),
        ('mono16', (3, 5), np.uint16, 10),
        ('mono8', (0, 5), np.uint8, 0),
    ],
)
def test_arrays_become_images(encoding, shape, kind, step):
    pixels = np.random.default_rng(2).integers(0, 256, (2, *shape)).astype(kind)[1]
    header = Header(frame_id='camera')
    message = ros_messages.to_image(pixels, encoding, header)
    assert message.header is header
    assert (message.height, message.width) == shape[:2]
    assert (message.encoding, message.step, message.is_bigendian) == (encoding, step, 0)
    assert message.data.tobytes() == pixels.tobytes()


def test_arrays_that_are_views_become_images():
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)[::2, ::-2]
    message = ros_messages.to_image(pixels, 'mono8', Header())
    assert message.step == 3
    assert message.data.tobytes() == pixels.tobytes()


def test_a_jpeg_that_we_compress_reads_back(photo):
    header = Header(frame_id='camera')
    message = ros_messages.to_jpeg(photo, header, quality=95)
    assert message.header is header
    assert abs(compressed_to_rgb(message).astype(int) - photo).mean() < 3
    assert len(ros_messages.to_jpeg(photo, header, quality=30).data) < len(message.data)
