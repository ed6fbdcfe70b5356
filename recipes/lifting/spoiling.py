"""What depth cameras do to depth: holes, and pixels that fly at rims."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

MISSING = 0.2  # share of the pixels without depth
HOLE = 2.0  # px, about the radius of holes
NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def spoil(
    depth: NDArray[np.float32], masks: NDArray[np.bool_], random: Generator
) -> NDArray[np.uint16]:
    """Return depth as a camera might measure it, in millimetres; 0 is no measurement.

    Args:
        depth: True depth in metres, shape (H, W).
        masks: Where objects are seen, shape (N, H, W). On both sides of their rims depth becomes
            that of some place between both.
        random: Source of randomness.
    """
    flying = depth.copy()
    for mask in masks:
        for shift in NEIGHBOURS:
            is_rim = np.roll(mask, shift, (0, 1)) != mask
            other = np.roll(depth, shift, (0, 1))
            share = random.random(np.count_nonzero(is_rim))
            flying[is_rim] = share * depth[is_rim] + (1 - share) * other[is_rim]
    noise = cv2.GaussianBlur(random.standard_normal(depth.shape), (0, 0), HOLE)
    flying[noise < np.quantile(noise, MISSING)] = 0
    return np.clip(np.round(flying * 1000), 0, 65535).astype(np.uint16)
