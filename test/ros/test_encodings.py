"""Every encoding against a loop over pixels that reads the bytes of the message one by one."""

import itertools

import numpy as np
import pytest

WHY_SKIPPED = 'needs ROS 2: make setup'
pytest.importorskip('sensor_msgs.msg', reason=WHY_SKIPPED)

from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from yolact_ros.images.decoding import image_to_rgb  # noqa: E402
from yolact_ros.images.encodings import ENCODINGS, SEMI_PLANAR_ENCODINGS  # noqa: E402
from yolact_ros.messages.builder import ros_messages  # noqa: E402

SIZES = [(1, 1), (1, 3), (2, 2), (3, 1), (4, 6), (5, 7), (7, 4)]
PIXELS = {  # values per pixel, and where red, green and blue are among them
    'rgb8': (3, 0, 1, 2),
    'bgr8': (3, 2, 1, 0),
    'rgba8': (4, 0, 1, 2),
    'bgra8': (4, 2, 1, 0),
    'rgb16': (3, 0, 1, 2),
    'bgr16': (3, 2, 1, 0),
    'rgba16': (4, 0, 1, 2),
    'bgra16': (4, 2, 1, 0),
    'mono8': (1, 0, 0, 0),
    'mono16': (1, 0, 0, 0),
    '8UC1': (1, 0, 0, 0),
    '8UC3': (3, 2, 1, 0),
    '8UC4': (4, 2, 1, 0),
}
BAYER = [f'bayer_{order}{bits}' for order in ('rggb', 'bggr', 'gbrg', 'grbg') for bits in (8, 16)]
PACKED_YUV = {'yuv422': (1, 0, 2), 'uyvy': (1, 0, 2), 'yuv422_yuy2': (0, 1, 3), 'yuyv': (0, 1, 3)}
SEMI_PLANAR = {'nv12': (2, 0), 'nv21': (2, 1), 'nv24': (1, 0)}  # step of chroma, place of U
YUV_ERROR = 2  # OpenCV computes in fixed point


def make_message(encoding, size, row_bytes, rows, padding=0, is_bigendian=False):
    """Return a message of random bytes, in the padding too."""
    seed = sum(encoding.encode()) + 100 * size[0] + 10 * size[1] + padding
    step = row_bytes + padding
    message = Image(height=size[0], width=size[1], encoding=encoding, step=step)
    message.is_bigendian = is_bigendian
    message.data.frombytes(np.random.default_rng(seed).bytes(step * rows))
    return message


def bytes_per_value(encoding):
    return 2 if '16' in encoding else 1


def read(message, row, column, channel=0, channels=1):
    """Return one value, scaled to 8 bits."""
    size = bytes_per_value(message.encoding)
    begin = row * message.step + (column * channels + channel) * size
    order = 'big' if message.is_bigendian else 'little'
    value = int.from_bytes(message.data[begin : begin + size].tobytes(), order)
    return value if size == 1 else round(value / 257)


def each_pixel(message):
    return itertools.product(range(message.height), range(message.width))


def rgb_of(message, value_at):
    """Return the image that has ``value_at(row, column)`` at each pixel."""
    pixels = [value_at(row, column) for row, column in each_pixel(message)]
    return np.array(pixels).reshape(message.height, message.width, 3)


def yuv_to_rgb(y, u, v):
    luma, u, v = 1.164 * max(y - 16, 0), u - 128, v - 128
    rgb = np.array([luma + 1.596 * v, luma - 0.813 * v - 0.391 * u, luma + 2.018 * u])
    return np.clip(rgb, 0, 255)


def mirror(index, length):
    if length == 1:
        return 0
    return abs(index) if index < length else 2 * (length - 1) - index


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize('is_bigendian', [False, True])
@pytest.mark.parametrize('encoding', PIXELS)
@pytest.mark.parametrize('size', SIZES)
def test_pixels_become_rgb(size, encoding, is_bigendian, padding):
    channels, *places = PIXELS[encoding]
    row_bytes = size[1] * channels * bytes_per_value(encoding)
    message = make_message(encoding, size, row_bytes, size[0], padding, is_bigendian)
    wanted = rgb_of(message, lambda y, x: [read(message, y, x, c, channels) for c in places])
    rgb = image_to_rgb(message)
    assert rgb.dtype == np.uint8
    np.testing.assert_array_equal(rgb, wanted)


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize('is_bigendian', [False, True])
@pytest.mark.parametrize('encoding', BAYER)
@pytest.mark.parametrize('size', SIZES)
def test_bayer_patterns_are_interpolated(size, encoding, is_bigendian, padding):
    (height, width), order = size, encoding.split('_')[1][:4]
    row_bytes = width * bytes_per_value(encoding)
    message = make_message(encoding, size, row_bytes, height, padding, is_bigendian)

    def mean_around(row, column, color):
        near = [
            read(message, mirror(y, height), mirror(x, width))
            for y, x in itertools.product(range(row - 1, row + 2), range(column - 1, column + 2))
            if order[2 * (y % 2) + x % 2] == color
        ]
        return (sum(near) + len(near) // 2) // len(near)

    def value_at(row, column):
        own = order[2 * (row % 2) + column % 2]
        return [
            read(message, row, column) if own == color else mean_around(row, column, color)
            for color in 'rgb'
        ]

    np.testing.assert_array_equal(image_to_rgb(message), rgb_of(message, value_at))


@pytest.mark.parametrize('padding', [0, 1, 6])
@pytest.mark.parametrize('encoding', PACKED_YUV)
@pytest.mark.parametrize('size', SIZES)
def test_pairs_of_pixels_share_their_chroma(size, encoding, padding):
    luma_at, u_at, v_at = PACKED_YUV[encoding]
    message = make_message(encoding, size, 2 * size[1], size[0], padding)

    def value_at(row, column):
        first, last = column - column % 2, message.width - 1
        u = read(message, row, 2 * first + u_at)
        lender = first if first < last else max(first - 2, 0)
        v = read(message, row, 2 * lender + v_at) if last > 0 else u
        return yuv_to_rgb(read(message, row, 2 * column + luma_at), u, v)

    assert abs(image_to_rgb(message) - rgb_of(message, value_at)).max() <= YUV_ERROR


@pytest.mark.parametrize('padding', [0, 4])
@pytest.mark.parametrize('encoding', SEMI_PLANAR)
@pytest.mark.parametrize('size', SIZES)
def test_chroma_comes_from_its_own_plane(size, encoding, padding):
    (height, width), (every, u_at) = size, SEMI_PLANAR[encoding]
    row_bytes = width if every == 1 else width + width % 2
    rows = height * 3 if every == 1 else height + (height + 1) // 2
    message = make_message(encoding, size, row_bytes, rows, padding)

    def value_at(row, column):
        begin = message.step * (message.height + row // every * (2 // every))
        pair = message.data[begin + column // every * 2 :][:2]
        return yuv_to_rgb(read(message, row, column), pair[u_at], pair[1 - u_at])

    assert abs(image_to_rgb(message) - rgb_of(message, value_at)).max() <= YUV_ERROR


@pytest.mark.parametrize('is_bigendian', [False, True])
def test_16uc1_is_stretched_over_what_most_pixels_hold(is_bigendian):
    random = np.random.default_rng(3)
    depth = random.integers(600, 3000, (9, 31)).astype(np.uint16)
    depth[random.random(depth.shape) < 0.3] = 0
    depth[4, 5] = 65535
    message = Image(height=9, width=31, encoding='16UC1', step=62, is_bigendian=is_bigendian)
    message.data.frombytes(depth.astype('>u2' if is_bigendian else '<u2').tobytes())
    measured = sorted(value for value in depth.ravel().tolist() if value)
    dark = measured[int(np.ceil(0.01 * len(measured))) - 1]
    bright = measured[int(np.ceil(0.99 * len(measured))) - 1]
    wanted = np.clip((depth.astype(float) - dark) * 255 / (bright - dark), 0, 255).round()
    np.testing.assert_array_equal(image_to_rgb(message), np.dstack([wanted] * 3))


@pytest.mark.parametrize('value', [0, 700])
def test_16uc1_without_contrast_is_black(value):
    message = ros_messages.to_image(np.full((2, 3), value, dtype=np.uint16), '16UC1', Header())
    assert not image_to_rgb(message).any()


def test_every_encoding_is_tested():
    assert {*PIXELS, *BAYER, *PACKED_YUV, '16UC1'} == set(ENCODINGS)
    assert set(SEMI_PLANAR) == set(SEMI_PLANAR_ENCODINGS)
