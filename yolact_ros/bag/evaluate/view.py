"""An image with all that is known of it, for pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_ros.bag.evaluate.truth import FrameTruth


@dataclass(frozen=True)
class View:
    """An image that is looked at again.

    Args:
        rgb: Shape (H, W, 3); must not be written to.
        found: What counts as found, of each contender.
        truth: What there is, if that is known.
    """

    rgb: npt.NDArray[np.uint8]
    found: tuple[Detections, ...]
    truth: FrameTruth | None
