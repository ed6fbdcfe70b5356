"""Raw images as the middleware hands them out, and as bags hold them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from random import Random

import numpy as np

from fuzz.cdr import mutate_message
from yolact_core.errors import InputError
from yolact_ros.images.decoding import image_to_rgb
from yolact_ros.images.encodings import ENCODINGS, SEMI_PLANAR_ENCODINGS
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.types import IMAGE, ros2_types

HEIGHT, WIDTH, STEP = 6, 8, 64


def seeds() -> Iterable[bytes]:
    """Return a small image of each encoding."""
    for encoding in (*ENCODINGS, *SEMI_PLANAR_ENCODINGS):
        message = bag_messages.make(
            IMAGE,
            header=bag_messages.to_header(1, 'camera'),
            height=HEIGHT,
            width=WIDTH,
            encoding=encoding,
            step=STEP,
            data=np.arange(3 * HEIGHT * STEP, dtype=np.uint8),
        )
        yield bytes(ros2_types().serialize_cdr(message, IMAGE))


def mutate(data: bytes, random: Random) -> bytes:
    """Change fields."""
    return mutate_message(data, IMAGE, random)


def run(data: bytes, _: Path) -> None:
    """Read an image both ways, which must agree where both can read it."""
    try:
        message = ros2_types().deserialize_cdr(data, IMAGE)
    except Exception:  # of rosbags, which the reader of bags turns into an InputError
        message = None
    found = None if message is None else _try(message)
    if not find_spec('rclpy'):
        return
    from yolact_ros.images.serialized import read_image

    image = image_to_rgb(read_image(data))
    if found is not None and not np.array_equal(found, image):
        raise AssertionError('the node and bags must see the same image')


def _try(message: object) -> np.ndarray | None:
    try:
        return image_to_rgb(message)
    except InputError:
        return None
