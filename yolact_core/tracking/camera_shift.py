"""By how much the whole image moves, and whether it still shows the same place."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 160  # pixels of the longer side of the small images that are compared
TRUSTED = 0.25  # response of phase correlation from which on a shift is believed
UNRELATED = 0.1  # response below which the two images show different places
LEAST_CONTRAST = 4.0  # standard deviation of grey levels that a comparison needs

Grey = npt.NDArray[np.float32]


class CameraShift:
    """Follows the shift of the whole image, by phase correlation of small grey images.

    Attributes:
        total: Pixels x and y by which the image has moved since the first one, shape (2,).
    """

    def __init__(self) -> None:
        self.total = np.zeros(2)
        self._before: Grey | None = None

    def follow(self, rgb: npt.NDArray[np.uint8]) -> bool:
        """Take the next image, and return whether it shows the same place.

        Args:
            rgb: Image, shape (H, W, 3).
        """
        after = _shrink(rgb)
        before, self._before = self._before, after
        if before is None or before.shape != after.shape:
            return True
        if min(before.std(), after.std()) < LEAST_CONTRAST:
            return True
        shift, response = cv2.phaseCorrelate(before, after, _window(*after.shape))
        if response >= TRUSTED:
            self.total = self.total + np.array(shift) * (max(rgb.shape[:2]) / SIDE)
        return response >= UNRELATED


def _shrink(rgb: npt.NDArray[np.uint8]) -> Grey:
    """Return a small grey image; of a large one every few pixels are looked at."""
    longer = max(rgb.shape[:2])
    step = max(1, longer // (2 * SIDE))
    grey = cv2.cvtColor(np.ascontiguousarray(rgb[::step, ::step]), cv2.COLOR_RGB2GRAY)
    height, width = (max(1, round(side * SIDE / longer)) for side in rgb.shape[:2])
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


@lru_cache(maxsize=16)
def _window(height: int, width: int) -> Grey:
    return np.asarray(cv2.createHanningWindow((width, height), cv2.CV_32F), dtype=np.float32)
