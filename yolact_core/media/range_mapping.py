"""The values of 16-bit images as bytes, by each of the ranges."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.media.ranges import BITS, ImageRange

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint16]

DARK, BRIGHT = 0.01, 0.99  # of the pixels of an image become black and white


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


RANGES: dict[ImageRange, Callable[[Words], Bytes]] = {
    'stretch': stretch,
    **{name: _scale(bits) for name, bits in BITS.items()},
}
