"""Compressed images in messages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random

import numpy as np

from fuzz.cdr import mutate_message
from fuzz.mutation import mutate_bytes
from fuzz.pictures import mutate_picture, small_pictures
from yolact_core.errors import InputError
from yolact_ros.images.decoding import compressed_to_rgb
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.types import COMPRESSED_IMAGE, ros2_types

FORMATS = ('bgr8; jpeg compressed bgr8', 'rgb8; png compressed', 'bayer_rggb8; png compressed', '')


def seeds() -> Iterable[bytes]:
    """Return small pictures with every description."""
    for index, picture in enumerate(small_pictures()):
        yield _pack(picture, FORMATS[index % len(FORMATS)])


def mutate(data: bytes, random: Random) -> bytes:
    """Change the compressed data, most often, or else the message around them."""
    if random.random() < 0.2:
        return mutate_message(data, COMPRESSED_IMAGE, random)
    try:
        message = ros2_types().deserialize_cdr(data, COMPRESSED_IMAGE)
    except Exception:  # of whatever the bytes lead to
        return mutate_bytes(data, random)
    form = random.choice((message.format, message.format, *FORMATS))
    return _pack(mutate_picture(message.data.tobytes(), random), form)


def run(data: bytes, _: Path) -> None:
    """Decode an image."""
    try:
        message = ros2_types().deserialize_cdr(data, COMPRESSED_IMAGE)
    except Exception as error:  # of rosbags, which the reader of bags turns into an InputError
        raise InputError('no message') from error
    compressed_to_rgb(message)


def _pack(content: bytes, form: str) -> bytes:
    message = bag_messages.make(
        COMPRESSED_IMAGE,
        header=bag_messages.to_header(1, 'camera'),
        format=form,
        data=np.frombuffer(content, np.uint8),
    )
    return bytes(ros2_types().serialize_cdr(message, COMPRESSED_IMAGE))
