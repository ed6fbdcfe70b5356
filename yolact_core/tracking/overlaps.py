"""How much boxes overlap, and masks that have moved, and which sides of boxes may be cut off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from yolact_core.masks.instance_masks import Crop
from yolact_core.tracking.motion import Floats, box_centres

SAMPLED = 1024  # pixels of the part that two rectangles share which are looked at
BESIDE = 2.0  # pixels from a side at which another box, or the border, may hide what is behind
CUT_OFF = 5.0  # factor to the error of such a side


def pairwise_box_iou(first: Floats, second: Floats) -> Floats:
    """Return IoU of each box with each, corners x1 y1 x2 y2, (N, 4) and (M, 4) to (N, M)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    return np.asarray(both / np.maximum(areas[0][:, None] + areas[1][None] - both, 1.0))


def pairwise_mask_iou(
    first: Sequence[Crop], second: Sequence[Crop], is_compared: npt.NDArray[np.bool_],
    shifts: Floats,
) -> Floats:  # fmt: skip
    """Return IoU of masks from their crops, after the first ones have moved.

    Args:
        first: N masks.
        second: M masks.
        is_compared: Pairs that are looked at, shape (N, M).
        shifts: Pixels x and y by which the first masks move for each pair, shape (N, M, 2).

    Returns:
        IoU, 0 of pairs that are not looked at, shape (N, M). Large masks are sampled on a grid.
    """
    overlaps = np.zeros(is_compared.shape)
    rows, columns = (indices.tolist() for indices in np.nonzero(is_compared))
    first_areas = {row: np.count_nonzero(first[row][0]) for row in set(rows)}
    second_areas = {column: np.count_nonzero(second[column][0]) for column in set(columns)}
    whole = np.rint(shifts[is_compared]).astype(np.int64).tolist()
    for row, column, (right, down) in zip(rows, columns, whole, strict=True):
        crop, (x, y) = first[row]
        both = _count_shared((crop, (x + right, y + down)), second[column])
        union = first_areas[row] + second_areas[column] - both
        overlaps[row, column] = both / union if union > 0 else 0.0
    return overlaps


def _count_shared(one: Crop, other: Crop) -> int:
    """Return how many pixels two masks share, estimated from samples if these are many."""
    (mask, (x, y)), (other_mask, (other_x, other_y)) = one, other
    left, right = max(x, other_x), min(x + mask.shape[1], other_x + other_mask.shape[1])
    top, bottom = max(y, other_y), min(y + mask.shape[0], other_y + other_mask.shape[0])
    if right <= left or bottom <= top:
        return 0
    step = 1 + int(((right - left) * (bottom - top) / SAMPLED) ** 0.5)
    here = mask[top - y : bottom - y : step, left - x : right - x : step]
    rows = slice(top - other_y, bottom - other_y, step)
    columns = slice(left - other_x, right - other_x, step)
    return int(np.count_nonzero(here & other_mask[rows, columns])) * step * step


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
    beside = np.stack(
        [
            np.stack([x1 - BESIDE, x, x2 + BESIDE, x], axis=1),
            np.stack([y, y1 - BESIDE, y, y2 + BESIDE], axis=1),
        ],
        axis=2,
    )[:, :, None]  # (N, 4, 1, 2)
    is_in_box = np.all((beside > boxes[:, :2]) & (beside < boxes[:, 2:]), axis=3)  # (N, 4, N)
    is_outside = np.any((beside < 0) | (beside > [width, height]), axis=(2, 3))  # (N, 4)
    return np.where(np.any(is_in_box, axis=2) | is_outside, CUT_OFF, 1.0)
