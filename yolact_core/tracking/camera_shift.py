"""By how much the whole image moves, and whether it still shows the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 160  # pixels of the longer side of the small images that are compared
TRUSTED = 0.25  # response of phase correlation from which on a shift is believed
UNRELATED = 0.1  # response below which the two images show different places
LEAST_CONTRAST = 4.0  # standard deviation of grey levels that a comparison needs
BLOCK = 16  # pixels of the small images: side of the blocks that tell whether the camera stands
DETAIL = 5  # pixels of the small images: side of a square that is larger than a detail
LEAST_DETAIL = 0.5  # mean detail of a block that can tell it, in grey levels
LEAST_REST = 0.25  # share of a block without objects that can tell it
CLEARLY = 0.8  # factor by which one explanation of a block must be better than another

Grey = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SmallView:
    """A small grey image, which is all that is looked at of a large one.

    Args:
        grey: Brightness, shape (h, w), uint8.
        scale: Pixels of it per pixel of the image.
    """

    grey: npt.NDArray[np.uint8]
    scale: float

    @classmethod
    def of(cls, rgb: npt.NDArray[np.uint8]) -> SmallView:
        """Return the view of an image, shape (H, W, 3); of a large one every few pixels count."""
        longer = max(rgb.shape[:2])
        step = max(1, longer // (2 * SIDE))
        rows = cv2.cvtColor(np.ascontiguousarray(rgb[::step]), cv2.COLOR_RGB2GRAY)
        grey = np.ascontiguousarray(rows[:, ::step])  # faster than picking pixels of colours
        height, width = (max(1, round(side * SIDE / longer)) for side in rgb.shape[:2])
        small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
        return cls(np.asarray(small, dtype=np.uint8), SIDE / longer)


class _Look(NamedTuple):
    """A small image, and what is computed of it alone.

    Attributes:
        grey: Brightness, shape (h, w).
        contrast: Standard deviation of its grey levels.
        details: Differences to what is around each pixel, shape (h, w).
    """

    grey: Grey
    contrast: float
    details: Grey

    @classmethod
    def at(cls, view: SmallView) -> _Look:
        grey = view.grey.astype(np.float32)
        return cls(grey, float(grey.std()), grey - cv2.blur(grey, (DETAIL, DETAIL)))


class CameraShift:
    """Follows the shift of the whole image, by phase correlation of small grey images.

    What moves before a plain wall looks like a camera that turns. So the image is taken for
    unmoved where most of what shows no object has stayed.

    Attributes:
        total: Pixels x and y by which the image has moved since the first one, shape (2,).
    """

    def __init__(self) -> None:
        self.total = np.zeros(2)
        self._before: _Look | None = None
        self._rest: Bools = np.zeros((0, 0), np.bool_)

    def follow(self, view: SmallView, boxes: npt.NDArray[np.floating]) -> bool:
        """Take the next image, and return whether it shows the same place.

        Args:
            view: View of the image.
            boxes: Corners x1 y1 x2 y2 of what may move by itself, in pixels of the image, shape
                (N, 4).
        """
        before, after = self._before, _Look.at(view)
        rest_before, rest = self._rest, _outside(boxes * view.scale, after.grey.shape)
        self._before, self._rest = after, rest
        if before is None or before.grey.shape != after.grey.shape:
            return True
        if min(before.contrast, after.contrast) < LEAST_CONTRAST:
            return True
        window = _window(*after.grey.shape)  # which OpenCV applies to what it is given, in place
        shift, response = cv2.phaseCorrelate(before.grey.copy(), after.grey.copy(), window)
        if _stands(before.details, after.details, rest_before & rest, shift):
            return True
        if response >= TRUSTED:
            self.total = self.total + np.array(shift) / view.scale
        return response >= UNRELATED


@lru_cache(maxsize=16)
def _window(height: int, width: int) -> Grey:
    return np.asarray(cv2.createHanningWindow((width, height), cv2.CV_32F), dtype=np.float32)


def _outside(boxes: npt.NDArray[np.floating], shape: tuple[int, ...]) -> Bools:
    """Return which pixels are in none of some boxes, nor as near as what ``_stands`` mixes."""
    is_outside = np.ones(shape, np.bool_)
    grown = np.rint(boxes) + np.array([-1, -1, 1, 1]) * (DETAIL // 2)
    for x1, y1, x2, y2 in grown.astype(np.int64).clip(0).tolist():
        is_outside[y1:y2, x1:x2] = False
    return is_outside


def _stands(details: Grey, later: Grey, rest: Bools, shift: Sequence[float]) -> bool:
    """Return whether more blocks have stayed than were shifted, of those with details.

    Args:
        details: Details of the earlier small image.
        later: Those of the later one.
        rest: Pixels without objects in either.
        shift: Pixels x and y by which the image may have moved.
    """
    height, width = later.shape
    shifted = cv2.warpAffine(
        details, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (width, height)
    )
    size = -(-width // BLOCK), -(-height // BLOCK)
    weights = rest.astype(np.float32)
    share = cv2.resize(weights, size, interpolation=cv2.INTER_AREA)
    stayed, moved, detail = (
        cv2.resize(np.abs(pixels) * weights, size, interpolation=cv2.INTER_AREA)
        / np.maximum(share, LEAST_REST)
        for pixels in (later - details, later - shifted, later)
    )
    can_tell = (detail >= LEAST_DETAIL) & (share >= LEAST_REST)
    has_stayed = can_tell & (stayed < CLEARLY * np.minimum(moved, detail))
    has_moved = can_tell & (moved < CLEARLY * stayed)
    return bool(np.count_nonzero(has_stayed) > np.count_nonzero(has_moved))
