"""Ranges of the values of 16-bit images, each of which can become that of bytes.

Thermal and infrared cameras fill 10 to 14 of the bits, so that what they show would be nearly
black if all bits counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint16]
ImageRange = Literal['encoding', 'stretch', '10bit', '12bit', '14bit', '16bit']

BY_ENCODING: ImageRange = 'encoding'  # what holds the image says the range
IMAGE_RANGE_HELP = (
    'values of 16-bit images that become black and white: those of so many bits, of the darkest '
    "and brightest percent of the image (stretch), or as the image's encoding has it"
)
DARK, BRIGHT = 0.01, 0.99  # of the pixels of an image become black and white
SMALL_PART = 4  # a peak below the range divided by this is nearly black


def _scale(bits: int) -> Callable[[Words], Bytes]:
    """Map [0, 2 ** bits - 1] to [0, 255], and larger values to 255."""
    factor = 255 / (2**bits - 1)
    return lambda pixels: np.asarray(cv2.convertScaleAbs(pixels, alpha=factor), dtype=np.uint8)


def stretch(pixels: Words) -> Bytes:
    """Map the range that most values lie in to [0, 255]; zeros, not measured, are left out."""
    counts = cv2.calcHist([pixels.reshape(-1, 1)], [0], None, [65536], [0, 65536]).ravel()
    counts[0] = 0
    shares = counts.cumsum(dtype=np.float64)
    if shares[-1] == 0:
        return np.zeros(pixels.shape, dtype=np.uint8)
    dark, bright = np.searchsorted(shares, shares[-1] * np.array([DARK, BRIGHT])).tolist()
    scale = 255 / max(bright - dark, 1)
    table = np.clip((np.arange(65536) - dark) * scale, 0, 255).round().astype(np.uint8)
    return np.asarray(np.take(table, pixels), dtype=np.uint8)


BITS: dict[ImageRange, int] = {'10bit': 10, '12bit': 12, '14bit': 14, '16bit': 16}
RANGES: dict[ImageRange, Callable[[Words], Bytes]] = {
    'stretch': stretch,
    **{name: _scale(bits) for name, bits in BITS.items()},
}


def find_misfit(peak: int, image_range: ImageRange) -> str:
    """Say what is wrong with the range that was chosen for an image; empty if nothing is.

    Args:
        peak: Largest value in the image.
        image_range: Range that was chosen; by encoding, it is taken for that of all bits.
    """
    if image_range == 'stretch':
        return ''
    largest = 2 ** BITS.get(image_range, 16) - 1
    fitting = next(name for name, bits in BITS.items() if peak < 2**bits)
    remedy = f'image range {fitting} or stretch fits'
    if peak > largest:
        return f'has values up to {peak}, above {largest} all is white: {remedy}'
    if peak < (largest + 1) / SMALL_PART:
        return f'reaches only {peak} of {largest}, nearly black to the model: {remedy}'
    return ''
