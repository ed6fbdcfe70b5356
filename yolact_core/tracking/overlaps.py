"""How much boxes overlap, and which of their sides may be cut off."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from yolact_core.tracking.motion import Floats, box_centres

BESIDE = 2.0  # pixels from a side at which another box, or the border, may hide what is behind
CUT_OFF = 5.0  # factor to the error of such a side


def pairwise_box_iou(first: Floats, second: Floats) -> Floats:
    """Return IoU of each box with each, corners x1 y1 x2 y2, (N, 4) and (M, 4) to (N, M)."""
    x1, y1, x2, y2 = first.T[:, :, None]
    other_x1, other_y1, other_x2, other_y2 = second.T
    width = np.minimum(x2, other_x2) - np.maximum(x1, other_x1)
    height = np.minimum(y2, other_y2) - np.maximum(y1, other_y1)
    both = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (x2 - x1) * (y2 - y1) + (other_x2 - other_x1) * (other_y2 - other_y1)
    return np.asarray(both / np.maximum(areas - both, 1.0))


def side_doubts(boxes: Floats, size: tuple[int, int]) -> Floats:
    """Return by what factor the error of each side of each box is larger than usual.

    Where a side touches another box or the border of the image, part of the object may be hidden,
    and the side says little about where the object is.

    Args:
        boxes: Corners x1 y1 x2 y2 in pixels, shape (N, 4).
        size: Height and width of the image in pixels.
    """
    height, width = size
    x, y = box_centres(boxes).T
    x1, y1, x2, y2 = boxes.T

    def is_in_box(beside_x: Floats, beside_y: Floats) -> npt.NDArray[np.bool_]:
        is_between = (beside_x[:, None] > x1) & (beside_x[:, None] < x2)
        is_between &= (beside_y[:, None] > y1) & (beside_y[:, None] < y2)
        return np.asarray(is_between.any(axis=1))

    is_touched = [
        is_in_box(x1 - BESIDE, y) | (x1 < BESIDE),
        is_in_box(x, y1 - BESIDE) | (y1 < BESIDE),
        is_in_box(x2 + BESIDE, y) | (x2 > width - BESIDE),
        is_in_box(x, y2 + BESIDE) | (y2 > height - BESIDE),
    ]
    return np.where(np.stack(is_touched, axis=1), CUT_OFF, 1.0)
