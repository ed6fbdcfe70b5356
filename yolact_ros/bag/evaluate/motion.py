"""How pixels moved from one image to the next: dense optical flow, and where it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

FINEST_SCALE = 1  # half the size of the image, then interpolated
PATCH_STRIDE = 4  # pixels between patches
DESCENT_STEPS = 12
LEAST_ERROR = 1.0  # pixels that forward and backward flow may differ by
RELATIVE_ERROR = 0.05  # and so much more for each pixel of motion
STEEPEST = 0.3  # pixels of motion per pixel: beyond, the flow tears, and is no more than a guess

Grey = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]


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
