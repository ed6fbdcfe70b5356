"""How steady masks are from one image to the next, once motion is made up for.

``docs/bag_metrics.md`` defines every figure with its formula.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_ros.bag.evaluate.motion import (
    LEAST_AREA,
    Motion,
    MovedMask,
    move_mask,
    pairwise_overlaps,
)

LEAST_MATCH = 0.25  # IoU of masks that may be the same instance
OTHER_CLASS = 0.5  # times the IoU, so that the same class goes first
LEAST_VISIBLE = 0.5  # share of an instance that must still be in sight to be missed
SAMPLED = 4000  # pixels of a mask's rectangle that tell how it moves
BORDER = 1.0  # pixels from the border of the image, where boxes are cut off


@dataclass(frozen=True)
class Steadiness:
    """How the instances of an image are found again in the next one.

    Args:
        seconds: Time from one image to the other.
        overlaps: IoU of each matched pair of masks where both images show it, shape (K,).
        classes_before: Class id of each pair in the first image, shape (K,).
        classes_after: Class id of each pair in the second image, shape (K,).
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


def compare_frames(
    before: Detections, after: Detections, motion: Motion, seconds: float
) -> Steadiness:
    """Compare what was found in two successive images of the same size.

    Args:
        before: Instances in the first image.
        after: Instances in the second image.
        motion: Motion from the first image to the second.
        seconds: Time between them.
    """
    moved = [move_mask(crop, corner, motion) for crop, corner in before.masks]
    overlaps = pairwise_overlaps(moved, after, motion.is_visible)
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
    """Return the comparison with an image in which nothing was found."""
    none = np.zeros(0, np.int64)
    return Steadiness(seconds, none.astype(np.float64), none, none, none.astype(np.float64), none)


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


def _is_in_sight(moved: MovedMask, area: int) -> bool:
    """Return whether enough of a mask is visible in both images."""
    return bool(np.count_nonzero(moved.inside) >= max(LEAST_AREA, LEAST_VISIBLE * area))


def _jitter(
    moved: MovedMask,
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
