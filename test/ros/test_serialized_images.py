"""Serialized images are read as the middleware's own deserialization reads them."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')

from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from yolact_core.errors import InputError
from yolact_ros.deserialization import deserialize
from yolact_ros.images.serialized import ImageView, read_image, read_stamp

FIELDS = ('header', 'height', 'width', 'encoding', 'is_bigendian', 'step')
TEXT = st.text(st.characters(codec='utf-8', exclude_characters='\x00'), max_size=9)
UNSIGNED = st.integers(0, 2**32 - 1)


def make_image(frame_id='camera', encoding='rgb8', data=b'\x01\x02\x03', **fields):
    message = Image(header=Header(frame_id=frame_id), encoding=encoding, **fields)
    message.data.frombytes(data)
    return message


def as_big_endian(message):
    """Serialize an image as a big-endian machine would."""
    stamp, body = message.header.stamp, b''
    frame_id, encoding = (
        text.encode() + b'\x00' for text in (message.header.frame_id, message.encoding)
    )
    numbers = (stamp.sec, stamp.nanosec, len(frame_id), message.height, message.width)
    for number, tail in zip(numbers, (b'', b'', frame_id, b'', b''), strict=True):
        body += bytes(-len(body) % 4) + struct.pack('>i' if not body else '>I', number) + tail
    body += struct.pack('>I', len(encoding)) + encoding + bytes([message.is_bigendian])
    body += bytes(-len(body) % 4) + struct.pack('>II', message.step, len(message.data))
    return bytes(4) + body + bytes(message.data)


@given(
    frame_id=TEXT,
    encoding=TEXT,
    stamp=st.tuples(st.integers(-(2**31), 2**31 - 1), UNSIGNED),
    numbers=st.tuples(UNSIGNED, UNSIGNED, UNSIGNED, st.integers(0, 255)),
    data=st.binary(max_size=40),
)
def test_every_field_is_read(frame_id, encoding, stamp, numbers, data):
    height, width, step, is_bigendian = numbers
    message = make_image(
        frame_id, encoding, data, height=height, width=width, step=step, is_bigendian=is_bigendian
    )
    message.header.stamp.sec, message.header.stamp.nanosec = stamp
    for serialized in (serialize_message(message), as_big_endian(message)):
        view = read_image(serialized)
        assert isinstance(view, ImageView)
        assert all(getattr(view, name) == getattr(message, name) for name in FIELDS)
        assert bytes(view.data) == data


def test_pixels_are_not_copied():
    serialized = serialize_message(make_image(data=bytes(range(100))))
    here = np.frombuffer(serialized, np.uint8).__array_interface__['data'][0]
    pixels = np.frombuffer(read_image(serialized).data, np.uint8)
    assert 0 < pixels.__array_interface__['data'][0] - here < len(serialized)


def test_a_message_that_is_cut_off_is_refused_wherever_that_is():
    serialized = as_big_endian(make_image())
    for end in range(4, len(serialized)):
        with pytest.raises(InputError, match=f'end is missing after {end} bytes'):
            read_image(serialized[:end])


HEADS = (b'\x00\x00', b'\x00\x01', b'\x00\x02', b'\x00\x03', b'\xff\xff')


@pytest.mark.parametrize('head', HEADS)
def test_bytes_that_are_no_message_are_refused_at_any_length(head):
    """At four bytes Fast CDR would end the process."""
    for length in range(12):
        serialized = (head + b'\x00\x00' + b'\xff' * 12)[:length]
        with pytest.raises(InputError, match='must be'):
            read_image(serialized)
        with pytest.raises(InputError, match='must be a whole CompressedImage: '):
            deserialize(serialized, CompressedImage)


@given(st.integers(-(2**31), 2**31 - 1), UNSIGNED)
def test_the_stamp_is_read_from_the_first_bytes(sec, nanosec):
    message = make_image()
    message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
    compressed = CompressedImage(header=message.header)
    for serialized in (
        serialize_message(message),
        as_big_endian(message),
        serialize_message(compressed),
    ):
        assert read_stamp(serialized) == sec * 10**9 + nanosec


@pytest.mark.parametrize('data', [b'', bytes(4), bytes(11), b'\x00\x07' + bytes(20)])
def test_what_has_no_stamp_is_refused(data):
    with pytest.raises(InputError, match='must begin with a stamp in plain CDR'):
        read_stamp(data)
