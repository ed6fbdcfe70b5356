"""Small pictures in files of each format."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import cv2
import numpy as np

from fuzz.mutation import mutate_bytes
from fuzz.png import START, mutate_png

SUFFIXES = ('.jpg', '.png', '.webp', '.bmp', '.tiff', '.jp2', '.ppm', '.gif')


def small_pictures() -> Iterable[bytes]:
    """Return a picture in each format, and PNG and TIFF of each depth."""
    rgb = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    pictures = [(suffix, rgb) for suffix in SUFFIXES]
    pictures += [('.png', rgb[..., 0]), ('.png', rgb.astype(np.uint16) * 257)]
    pictures += [('.png', cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA))]
    pictures += [('.tiff', rgb.astype(np.float32)), ('.tiff', rgb.astype(np.uint16))]
    for suffix, picture in pictures:
        yield np.asarray(cv2.imencode(suffix, picture)[1], np.uint8).tobytes()


def mutate_picture(data: bytes, random: Random) -> bytes:
    """Change a picture, most often within its format where that has checksums.

    Args:
        data: Any file.
        random: Source of all randomness.
    """
    is_png = data.startswith(START) and random.random() < 0.9
    return mutate_png(data, random) if is_png else mutate_bytes(data, random)
