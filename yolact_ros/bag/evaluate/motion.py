"""How pixels and masks move from one image to the next: dense optical flow, where it holds.

Every moved mask stays in its own window of the image: the work grows with masks, not images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import crop_window

FINEST_SCALE = 1  # half the size of the image, then interpolated
PATCH_STRIDE = 4  # pixels between patches
DESCENT_STEPS = 12
LEAST_ERROR = 1.0  # pixels that forward and backward flow may differ by
RELATIVE_ERROR = 0.05  # and so much more for each pixel of motion
STEEPEST = 0.3  # pixels of motion per pixel: beyond, the flow tears, and is no more than a guess

LEAST_AREA = 64  # pixels that a comparison must rest on
SURELY_OUT, SURELY_IN = 0.25, 0.75  # shares of a moved pixel; what lies between is not compared
MARGIN = 2  # pixels around a moved mask

Grey = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Rectangle = tuple[slice, slice]


@dataclass(frozen=True)
class Motion:
    """Where the pixels of an image come from.

    Args:
        source_x: Column in the image before, shape (H, W).
        source_y: Row in the image before, shape (H, W).
        forward: Motion of the pixels of the image before, x and y, shape (H, W, 2).
        is_visible: Whether a pixel can also be seen in the image before, shape (H, W).
    """

    source_x: Field
    source_y: Field
    forward: Field
    is_visible: npt.NDArray[np.bool_]


def to_grey(rgb: npt.NDArray[np.uint8]) -> Grey:
    """Return the brightness of an image, shape (H, W)."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def estimate_motion(before: Grey, after: Grey) -> Motion:
    """Follow the pixels from one image to the next.

    Optical flow is computed in both directions (DIS, Kroeger et al. 2016). A pixel is visible in
    both images where it comes from inside the image before, the flow there leads back to it, and
    its neighbours come from where it does: at the edge of something that moves before something
    else, flow is no more than a guess.
    The result does not depend on how many threads OpenCV may use.

    Args:
        before: First image, shape (H, W), at least 16 x 16.
        after: Second image, of the same shape.
    """
    if np.array_equal(before, after):
        return _stand_still(after.shape)
    forward = _flow(before, after)
    shift_x, shift_y = cv2.split(_flow(after, before))
    height, width = after.shape
    rest_x, rest_y = _grid(height, width)
    source_x, source_y = rest_x + shift_x, rest_y + shift_y
    back_x, back_y = cv2.split(
        cv2.remap(forward, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )
    error = cv2.magnitude(shift_x + back_x, shift_y + back_y)
    is_visible = error <= LEAST_ERROR + RELATIVE_ERROR * cv2.magnitude(shift_x, shift_y)
    is_visible &= (source_x >= 0) & (source_x <= width - 1)
    is_visible &= (source_y >= 0) & (source_y <= height - 1)
    is_visible &= _steepness((shift_x, shift_y)) < STEEPEST
    return Motion(source_x, source_y, forward, is_visible)


def _stand_still(shape: tuple[int, ...]) -> Motion:
    x, y = _grid(*shape)
    return Motion(x, y, np.zeros((*shape, 2), np.float32), np.ones(shape, np.bool_))


def _steepness(shifts: Sequence[Any]) -> Field:
    """Return how much a field, given as x and y, changes from pixel to pixel, shape (H, W)."""
    changes = [
        cv2.magnitude(
            cv2.Sobel(shift, cv2.CV_32F, 1, 0, scale=1 / 8),
            cv2.Sobel(shift, cv2.CV_32F, 0, 1, scale=1 / 8),
        )
        for shift in shifts
    ]
    return np.asarray(cv2.magnitude(*changes), dtype=np.float32)


def _flow(first: Grey, second: Grey) -> Field:
    """Return where each pixel of the first image is in the second, relative to it."""
    return np.asarray(_make_flow().calc(first, second, None), dtype=np.float32)


@cache
def _make_flow() -> Any:  # noqa: ANN401 - a class of OpenCV
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(FINEST_SCALE)
    flow.setPatchStride(PATCH_STRIDE)
    flow.setGradientDescentIterations(DESCENT_STEPS)
    flow.setVariationalRefinementIterations(0)
    return flow


@cache
def _grid(height: int, width: int) -> tuple[Field, Field]:
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return x, y


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
