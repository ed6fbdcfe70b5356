"""How steady masks are from one image to the next, once motion is made up for.

``docs/bag_metrics.md`` defines every figure with its formula.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import crop_window
from yolact_ros.bag.evaluate.motion import Motion

LEAST_AREA = 64  # pixels that a comparison must rest on
SURELY_OUT, SURELY_IN = 0.25, 0.75  # shares of a moved pixel; what lies between is not compared
LEAST_MATCH = 0.25  # IoU of masks that may be the same instance
OTHER_CLASS = 0.5  # times the IoU, so that the same class goes first
LEAST_VISIBLE = 0.5  # share of an instance that must still be in sight to be missed
MARGIN = 2  # pixels around a moved mask
SAMPLED = 4000  # pixels of a mask's rectangle that tell how it moves
BORDER = 1.0  # pixels from the border of the image, where boxes are cut off

Bools = npt.NDArray[np.bool_]
Rectangle = tuple[slice, slice]


@dataclass(frozen=True)
class Steadiness:
    """Two successive images of a camera.

    Args:
        seconds: From one to the other.
        overlaps: IoU of each matched pair of masks where both images show it, shape (K,).
        classes_before: Class ids, shape (K,).
        classes_after: Class ids, shape (K,).
        jitters: Pixels that the sides of the boxes jump, NaN if all are cut off, shape (K,).
        lost_classes: Class ids of instances that are in sight but not found again, shape (L,).
    """

    seconds: float
    overlaps: npt.NDArray[np.float64]
    classes_before: npt.NDArray[np.int64]
    classes_after: npt.NDArray[np.int64]
    jitters: npt.NDArray[np.float64]
    lost_classes: npt.NDArray[np.int64]

    def of_class(self, class_id: int) -> Steadiness:
        """Return what concerns the instances that were of one class in the first image."""
        is_kept = self.classes_before == class_id
        return Steadiness(
            seconds=self.seconds,
            overlaps=self.overlaps[is_kept],
            classes_before=self.classes_before[is_kept],
            classes_after=self.classes_after[is_kept],
            jitters=self.jitters[is_kept],
            lost_classes=self.lost_classes[self.lost_classes == class_id],
        )


@dataclass(frozen=True)
class _Moved:
    """A mask of the image before, moved to the image after.

    Args:
        window: Rows and columns of what follows.
        inside: Pixels that surely belong to it and are visible in both images.
        is_unclear: Pixels that its edge runs through.
    """

    window: Rectangle
    inside: Bools
    is_unclear: Bools


def compare_frames(
    before: Detections, after: Detections, motion: Motion, seconds: float
) -> Steadiness:
    """Compare what was found in two successive images of the same size.

    Args:
        before: Of the first.
        after: Of the second.
        motion: From the first to the second.
        seconds: Between them.
    """
    moved = [_move(crop, corner, motion) for crop, corner in before.masks]
    overlaps = _pairwise_overlaps(moved, after, motion.is_visible)
    pairs = _match(overlaps, before.class_ids, after.class_ids)
    first = np.array([pair[0] for pair in pairs], dtype=np.int64)
    second = np.array([pair[1] for pair in pairs], dtype=np.int64)
    is_lost = np.array(
        [
            index not in first and _is_in_sight(one, area)
            for index, (one, area) in enumerate(zip(moved, before.masks.areas(), strict=True))
        ],
        dtype=np.bool_,
    )
    return Steadiness(
        seconds=seconds,
        overlaps=overlaps[first, second],
        classes_before=before.class_ids[first],
        classes_after=after.class_ids[second],
        jitters=np.array(
            [
                _jitter(moved[one], before.boxes[one], after.boxes[other], motion)
                for one, other in pairs
            ],
            dtype=np.float64,
        ),
        lost_classes=before.class_ids[is_lost],
    )


def nothing_to_compare(seconds: float) -> Steadiness:
    """Return what is known where nothing was found in the first of two images."""
    none = np.zeros(0, np.int64)
    return Steadiness(seconds, none.astype(np.float64), none, none, none.astype(np.float64), none)


def _move(crop: Bools, corner: tuple[int, int], motion: Motion) -> _Moved:
    """Move a mask along."""
    x, y = corner
    height, width = motion.is_visible.shape
    flow = motion.forward[y : y + crop.shape[0], x : x + crop.shape[1]]
    if flow.size == 0:
        nothing = np.zeros((0, 0), np.bool_)
        return _Moved((slice(0, 0), slice(0, 0)), nothing, nothing)
    low, high = flow.min(axis=(0, 1)), flow.max(axis=(0, 1))
    columns = _range(x + low[0], x + crop.shape[1] + high[0], width)
    rows = _range(y + low[1], y + crop.shape[0] + high[1], height)
    window = (rows, columns)
    if columns.start == columns.stop or rows.start == rows.stop:
        nothing = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
        return _Moved(window, nothing, nothing)
    share = cv2.remap(
        np.pad(crop.view(np.uint8) * np.uint8(255), 1),
        motion.source_x[window] - (x - 1),
        motion.source_y[window] - (y - 1),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return _Moved(
        window,
        inside=(share >= SURELY_IN * 255) & motion.is_visible[window],
        is_unclear=(share > SURELY_OUT * 255) & (share < SURELY_IN * 255),
    )


def _range(low: float, high: float, limit: int) -> slice:
    start = min(max(int(np.floor(low)) - MARGIN, 0), limit)
    return slice(start, max(start, min(int(np.ceil(high)) + MARGIN, limit)))


def _pairwise_overlaps(
    moved: list[_Moved], after: Detections, is_visible: Bools
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


def _match(
    overlaps: npt.NDArray[np.float64],
    classes_before: npt.NDArray[np.int64],
    classes_after: npt.NDArray[np.int64],
) -> list[tuple[int, int]]:
    """Pair instances, the best first; among equals the same class goes first."""
    is_same = classes_before[:, None] == classes_after[None, :]
    weights = np.where(is_same, overlaps, OTHER_CLASS * overlaps)
    candidates = np.argwhere(overlaps >= LEAST_MATCH)
    order = np.argsort(-weights[tuple(candidates.T)], kind='stable')
    pairs: list[tuple[int, int]] = []
    used: tuple[set[int], set[int]] = (set(), set())
    for row, column in candidates[order].tolist():
        if row not in used[0] and column not in used[1]:
            pairs.append((row, column))
            used[0].add(row)
            used[1].add(column)
    return sorted(pairs)


def _is_in_sight(moved: _Moved, area: int) -> bool:
    """Return whether enough of a mask is visible in both images."""
    return bool(np.count_nonzero(moved.inside) >= max(LEAST_AREA, LEAST_VISIBLE * area))


def _jitter(
    moved: _Moved,
    box_before: npt.NDArray[np.float32],
    box_after: npt.NDArray[np.float32],
    motion: Motion,
) -> float:
    """Return by how many pixels the sides of a box jump, on average of those not cut off."""
    height, width = motion.is_visible.shape
    limits = np.array([width, height, width, height], dtype=np.float64)
    step = 1 + int((moved.inside.size / SAMPLED) ** 0.5)
    rows, columns = (slice(axis.start, axis.stop, step) for axis in moved.window)
    sampled = moved.inside[::step, ::step]
    expected = np.empty(4)
    y, x = np.nonzero(sampled)
    if x.size == 0:
        return float('nan')
    axes = ((x * step + columns.start, motion.source_x), (y * step + rows.start, motion.source_y))
    for axis, (positions, source) in enumerate(axes):
        sources = source[rows, columns][sampled].astype(np.float64)
        expected[axis::2] = _extrapolate(sources, positions, box_before[axis::2])
    boxes = np.stack([box_before.astype(np.float64), expected, box_after.astype(np.float64)])
    is_whole = ((boxes > BORDER) & (boxes < limits - BORDER)).all(axis=0)
    jumps = np.abs(expected - box_after)[is_whole]
    return float(jumps.mean()) if jumps.size else float('nan')


def _extrapolate(
    sources: npt.NDArray[np.float64],
    positions: npt.NDArray[np.int64],
    sides: npt.NDArray[np.float32],
) -> npt.NDArray[np.float64]:
    """Return where two sides of a box go if they move and grow as the pixels do on one axis.

    Pixel i reaches from i to i + 1, so that its centre is at i + 0.5.
    """
    spread = sources.var()
    scale = 1.0
    if spread > 1.0:
        scale = float(
            ((sources - sources.mean()) * (positions - positions.mean())).mean() / spread
        )
    return np.asarray(positions.mean() + 0.5 + scale * (sides - sources.mean() - 0.5))
