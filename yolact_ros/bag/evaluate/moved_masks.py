"""Masks that are moved along with the pixels, and how they overlap those of the next image.

Every mask stays in its own window of the image, so that the work grows with masks, not images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import crop_window
from yolact_ros.bag.evaluate.motion import Motion

LEAST_AREA = 64  # pixels that a comparison must rest on
SURELY_OUT, SURELY_IN = 0.25, 0.75  # shares of a moved pixel; what lies between is not compared
MARGIN = 2  # pixels around a moved mask

Bools = npt.NDArray[np.bool_]
Rectangle = tuple[slice, slice]


@dataclass(frozen=True)
class MovedMask:
    """A mask of the image before, moved to the image after.

    Args:
        window: Rows and columns of what follows.
        inside: Pixels that surely belong to it and are visible in both images.
        is_unclear: Pixels that its edge runs through.
    """

    window: Rectangle
    inside: Bools
    is_unclear: Bools


def move_mask(crop: Bools, corner: tuple[int, int], motion: Motion) -> MovedMask:
    """Move a mask along."""
    x, y = corner
    height, width = motion.is_visible.shape
    flow = motion.forward[y : y + crop.shape[0], x : x + crop.shape[1]]
    if flow.size == 0:
        nothing = np.zeros((0, 0), np.bool_)
        return MovedMask((slice(0, 0), slice(0, 0)), nothing, nothing)
    low, high = flow.min(axis=(0, 1)), flow.max(axis=(0, 1))
    columns = _range(x + low[0], x + crop.shape[1] + high[0], width)
    rows = _range(y + low[1], y + crop.shape[0] + high[1], height)
    window = (rows, columns)
    if columns.start == columns.stop or rows.start == rows.stop:
        nothing = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
        return MovedMask(window, nothing, nothing)
    share = cv2.remap(
        np.pad(crop.view(np.uint8) * np.uint8(255), 1),
        motion.source_x[window] - (x - 1),
        motion.source_y[window] - (y - 1),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return MovedMask(
        window,
        inside=(share >= SURELY_IN * 255) & motion.is_visible[window],
        is_unclear=(share > SURELY_OUT * 255) & (share < SURELY_IN * 255),
    )


def _range(low: float, high: float, limit: int) -> slice:
    start = min(max(int(np.floor(low)) - MARGIN, 0), limit)
    return slice(start, max(start, min(int(np.ceil(high)) + MARGIN, limit)))


def pairwise_overlaps(
    moved: Sequence[MovedMask], after: Detections, is_visible: Bools
) -> npt.NDArray[np.float64]:
    """Return IoU of each moved mask with each mask after; 0 where too little can be compared."""
    windows = [crop_window(crop, corner) for crop, corner in after.masks]
    seen = [
        crop & is_visible[window] for (crop, _), window in zip(after.masks, windows, strict=True)
    ]
    areas = [np.count_nonzero(mask) for mask in seen]
    moved_areas = [np.count_nonzero(one.inside) for one in moved]
    overlaps = np.zeros((len(moved), len(after)))
    for row, column in _meeting([one.window for one in moved], windows):
        one = moved[row]
        here, there = _shared_part(one.window, windows[column])
        both = np.count_nonzero(one.inside[here] & seen[column][there])
        if both == 0:
            continue
        unclear = np.count_nonzero(one.is_unclear[here] & seen[column][there])
        union = moved_areas[row] + areas[column] - unclear - both
        overlaps[row, column] = both / union if union >= LEAST_AREA else 0.0
    return overlaps


def _meeting(first: list[Rectangle], second: list[Rectangle]) -> list[tuple[int, int]]:
    """Return which windows of the first list share pixels with which of the second."""
    one, other = (
        np.array([[(axis.start, axis.stop) for axis in pair] for pair in windows]).reshape(
            -1, 2, 2
        )
        for windows in (first, second)
    )
    starts = np.maximum(one[:, None, :, 0], other[None, :, :, 0])
    stops = np.minimum(one[:, None, :, 1], other[None, :, :, 1])
    rows, columns = np.nonzero((starts < stops).all(axis=2))
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _shared_part(one: Rectangle, other: Rectangle) -> tuple[Rectangle, Rectangle]:
    """Return the part that two windows share, relative to each."""
    starts = [max(a.start, b.start) for a, b in zip(one, other, strict=True)]
    stops = [min(a.stop, b.stop) for a, b in zip(one, other, strict=True)]

    def relative(window: Rectangle) -> Rectangle:
        rows, columns = (
            slice(start - axis.start, stop - axis.start)
            for start, stop, axis in zip(starts, stops, window, strict=True)
        )
        return rows, columns

    return relative(one), relative(other)
