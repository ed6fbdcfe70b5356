"""How much masks overlap that have moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from yolact_core.masks.instance_masks import Crop
from yolact_core.tracking.motion import Floats

SAMPLED = 1024  # pixels of the part that two rectangles share which are looked at

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class Silhouette(NamedTuple):
    """A mask, with what decides without a look at it that it overlaps most others little.

    Args:
        crop: Pixels of the mask within a rectangle.
        box: Corners x1 y1 x2 y2 of this rectangle in whole pixels.
        area: Pixels of the mask.
    """

    crop: Bools
    box: tuple[int, int, int, int]
    area: int

    @classmethod
    def of(cls, mask: Crop) -> Silhouette:
        """Take a mask as it is cropped."""
        crop, (x, y) = mask
        box = (x, y, x + crop.shape[1], y + crop.shape[0])
        return cls(crop, box, int(np.count_nonzero(crop)))


@dataclass(frozen=True)
class Pairs:
    """Some of the pairs of a mask, which moves, and another.

    Args:
        first: Index of the mask that moves, shape (P,).
        second: Index of the other one, shape (P,).
        shifts: Pixels x and y by which the first one moves, shape (P, 2).
        least: IoU below which it does not matter how much they overlap, shape (P,).
    """

    first: Ints
    second: Ints
    shifts: Floats
    least: Floats


def mask_iou(first: Sequence[Silhouette], second: Sequence[Silhouette], pairs: Pairs) -> Floats:
    """Return IoU of masks after the first ones have moved, 0 where it does not matter.

    Large masks are sampled on a grid. Rectangles and areas alone rule most pairs out.

    Args:
        first: Masks that move.
        second: Masks that stay.
        pairs: Pairs of them.
    """
    boxes = _boxes(first)[pairs.first] + np.tile(np.rint(pairs.shifts).astype(np.int64), 2)
    others = _boxes(second)[pairs.second]
    low = np.maximum(boxes[:, :2], others[:, :2])
    extents = np.maximum(np.minimum(boxes[:, 2:], others[:, 2:]) - low, 0)
    steps = 1 + np.sqrt(extents.prod(axis=1) / SAMPLED).astype(np.int64)
    most = (-(-extents // steps[:, None])).prod(axis=1) * steps**2  # if all samples are set
    areas = _areas(first)[pairs.first] + _areas(second)[pairs.second]
    matters = (most > 0) & (most >= pairs.least * (areas - most))

    rows, columns = pairs.first[matters].tolist(), pairs.second[matters].tolist()
    windows = [low - boxes[:, :2], low - others[:, :2], extents, steps[:, None]]
    windows = np.concatenate(windows, axis=1)[matters].tolist()
    shared = np.zeros(len(matters))
    shared[matters] = [
        _count_shared(first[row].crop, second[column].crop, window)
        for row, column, window in zip(rows, columns, windows, strict=True)
    ]
    return np.asarray(shared / np.maximum(areas - shared, 1))


def _boxes(silhouettes: Sequence[Silhouette]) -> Ints:
    return np.array([one.box for one in silhouettes], np.int64).reshape(-1, 4)


def _areas(silhouettes: Sequence[Silhouette]) -> Ints:
    return np.array([one.area for one in silhouettes], np.int64)


def _count_shared(crop: Bools, other: Bools, window: list[int]) -> int:
    """Return how many pixels of two crops are set in both, estimated from samples if many.

    Args:
        crop: Pixels of one mask.
        other: Pixels of another.
        window: Column and row in each crop at which the part begins that both show, its width
            and height, and of how many columns and rows each one is looked at.
    """
    x, y, other_x, other_y, width, height, step = window
    here = crop[y : y + height : step, x : x + width : step]
    there = other[other_y : other_y + height : step, other_x : other_x + width : step]
    return int(np.count_nonzero(here & there)) * step * step
