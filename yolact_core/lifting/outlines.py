"""The outline of an object in space, although depth is not to be trusted at rims."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

PIXELS = 80  # of an outline that are looked at, at most
SIDES = np.array([[-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]])  # of a pixel, from its centre
REACH = 2  # samples beyond the rim that a plane is fitted to
FLATTENING = 0.02  # squared samples: keeps planes through samples in one line from tilting
BEYOND = 0.6  # of the range of all samples, in 1 / depth, may a place be beyond it
STEEPEST = 2.0  # times as far as the farthest sample may it be

Mask = npt.NDArray[np.bool_]
Grid = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def trace_outline(mask: Mask) -> npt.NDArray[np.int64]:
    """Return columns and rows of some of the outermost pixels of a mask, shape (P, 2).

    Args:
        mask: Mask, shape (h, w).
    """
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pixels = np.concatenate([np.zeros((0, 2), np.int64), *(contour[:, 0] for contour in contours)])
    return pixels[:: max(1, math.ceil(len(pixels) / PIXELS))]


def extrapolate(depths: Grid, places: Numbers, offsets: Numbers, rim: int) -> Numbers:
    """Return the depth beside samples, NaN where most are not the object's, shape (P, S).

    It is that of the plane through the samples nearby. Of a plane, 1 / depth is linear in the
    image (of a rectified one; in a small part of any), so that is what is fitted.

    Args:
        depths: Depth at samples on a grid, metres, 0 where there is none, negative where it is not
            the object's, shape (h, w).
        places: Places x y in units of the grid, in it or less than 1 before it, shape (P, 2).
        offsets: Offsets x y from each place to where the depth is wanted, shape (S, 2).
        rim: How many samples wide the rim without depth is.
    """
    cells = places.astype(np.int64)
    near = _windows(depths, cells, rim + REACH)  # (P, n * n)
    is_own = near > 0
    others = np.count_nonzero(near < 0, axis=1)
    near *= is_own
    sums = np.concatenate([is_own, near]) @ _plane_terms(rim + REACH)
    counts = sums[: len(cells), 0]
    counts = np.where(counts < np.maximum(others, 1), np.nan, counts)
    _, x, y, xx, xy, yy = sums[: len(cells)].T / counts
    mean, xi, yi = sums[len(cells) :, :3].T / counts

    xx, yy, xy = xx - x * x + FLATTENING, yy - y * y + FLATTENING, xy - x * y
    xi, yi = xi - x * mean, yi - y * mean
    determinant = xx * yy - xy * xy
    slope_x, slope_y = (yy * xi - xy * yi) / determinant, (xx * yi - xy * xi) / determinant
    beyond_x, beyond_y = (places - cells).T
    at_place = mean + slope_x * (beyond_x - x) + slope_y * (beyond_y - y)
    there = at_place[:, None] + np.stack([slope_x, slope_y], axis=1) @ offsets.T

    own = 1 / depths[depths > 0]
    least, most = own.min(initial=np.inf), own.max(initial=0.0)
    slack = BEYOND * (most - least)
    return np.asarray(1 / there.clip(max(least - slack, least / STEEPEST), most + slack))


@lru_cache(maxsize=8)
def _plane_terms(radius: int) -> Grid:
    """Return 1, x, y, x x, x y, y y of each sample in a window, from its middle, (n * n, 6)."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].reshape(2, -1).astype(np.float32)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _windows(depths: Grid, cells: npt.NDArray[np.int64], radius: int) -> Grid:
    """Return 1 / depth in windows around cells x y, 0 where there is none, shape (P, n * n)."""
    height, width = depths.shape
    padded = np.zeros((height + 2 * radius, width + 2 * radius), dtype=np.float32)
    inner = padded[radius : radius + height, radius : radius + width]
    np.divide(1, depths, out=inner, where=depths != 0)
    side = np.arange(2 * radius + 1)
    window = (side[:, None] * padded.shape[1] + side).ravel()
    first = cells[:, 1] * padded.shape[1] + cells[:, 0]
    values: Grid = padded.ravel().take(first[:, None] + window)
    return values
