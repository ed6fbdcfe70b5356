"""Which part of an image becomes the network's input: expansion and random crop of SSD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from yolact_core.dataset.sample import Sample
from yolact_core.network.boxes import pairwise_iou

LARGEST_EXPANSION = 4.0
SMALLEST_CROP = 0.3  # of each side
LARGEST_ASPECT = 2.0
TRIES = 50
ANY_OVERLAP = 0.0
WHOLE_IMAGE = None
CROP_MODES = (WHOLE_IMAGE, 0.1, 0.3, 0.7, 0.9, ANY_OVERLAP)  # least IoU of crop and an object

Boxes = npt.NDArray[np.float64]


class Window(NamedTuple):
    """A rectangle in pixels of an image that may reach beyond it."""

    x1: float
    y1: float
    x2: float
    y2: float

    @classmethod
    def whole(cls, sample: Sample) -> Window:
        """Return the window that shows the image and nothing else."""
        height, width = sample.size
        return cls(0, 0, width, height)

    def cuts(self, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Return which boxes are not wholly inside, shape (N, 4) -> (N,)."""
        is_outside = np.concatenate([boxes[:, :2] < self[:2], boxes[:, 2:] > self[2:]], axis=1)
        is_cut: npt.NDArray[np.bool_] = np.any(is_outside, axis=1)
        return is_cut


@dataclass(frozen=True)
class View:
    """A window, and whether each object of the sample counts in it, shape (N,)."""

    window: Window
    kept: npt.NDArray[np.bool_]


def expand(window: Window, generator: np.random.Generator) -> Window:
    """Return a window that is up to 4 times larger, with the given one somewhere in it."""
    width, height = window.x2 - window.x1, window.y2 - window.y1
    ratio = generator.uniform(1, LARGEST_EXPANSION)
    left = window.x1 - int(generator.uniform(0, width * ratio - width))
    top = window.y1 - int(generator.uniform(0, height * ratio - height))
    return Window(left, top, left + int(width * ratio), top + int(height * ratio))


def crop(
    sample: Sample, window: Window, generator: np.random.Generator, is_overlap_required: bool
) -> View:
    """Cut a random part out of a window (SSD, section 2.2).

    Args:
        sample: Sample whose objects stay if their centres are inside; at least one that is no
            crowd has to.
        window: Window to cut from; each side of the part is between 0.3 and 1 of it.
        generator: Source of randomness.
        is_overlap_required: Whether at least one object that stays must overlap the part with
            the IoU that was drawn. In the original this condition never rejects anything.
    """
    everything = View(window, np.ones(len(sample), dtype=np.bool_))
    boxes = sample.boxes.astype(np.float64)
    while (least_iou := CROP_MODES[generator.integers(len(CROP_MODES))]) is not WHOLE_IMAGE:
        parts = _draw_parts(window, generator)
        is_inside = _has_centre_inside(parts, boxes)  # (T, N)
        counts = is_inside & ~sample.is_crowd
        if is_overlap_required:
            counts &= _overlaps(parts, boxes) >= least_iou
        good = np.flatnonzero(counts.any(axis=1)) if len(sample) else np.arange(len(parts))
        if len(good):
            return View(Window(*parts[good[0]].tolist()), is_inside[good[0]])
    return everything


def _draw_parts(window: Window, generator: np.random.Generator) -> Boxes:
    """Draw up to ``TRIES`` windows of an acceptable shape, in whole pixels, shape (T, 4)."""
    size = np.array([window.x2 - window.x1, window.y2 - window.y1])
    extent = generator.uniform(SMALLEST_CROP, 1.0, (TRIES, 2)) * size
    aspect = extent[:, 1] / extent[:, 0]
    low = generator.uniform(0.0, 1.0, (TRIES, 2)) * (size - extent)
    low, high = np.floor(low), np.floor(low + extent)
    parts = np.concatenate([low, high], axis=1) + np.array([window.x1, window.y1] * 2)
    is_shapely = (aspect >= 1 / LARGEST_ASPECT) & (aspect <= LARGEST_ASPECT)
    shapely: Boxes = parts[is_shapely & (high > low).all(axis=1)]
    return shapely


def _has_centre_inside(parts: Boxes, boxes: Boxes) -> npt.NDArray[np.bool_]:
    """Return which boxes have their centre in which parts, shape (T, N)."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    is_between = (parts[:, None, :2] < centres) & (parts[:, None, 2:] > centres)
    is_inside: npt.NDArray[np.bool_] = np.all(is_between, axis=2)
    return is_inside


def _overlaps(parts: Boxes, boxes: Boxes) -> Boxes:
    """Return the IoU of each part with each box, shape (T, N)."""
    overlaps: Boxes = pairwise_iou(torch.from_numpy(parts), torch.from_numpy(boxes)).numpy()
    return overlaps
