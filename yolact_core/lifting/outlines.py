"""The outline of an object in space, although depth is not to be trusted at rims."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

PIXELS = 128  # of an outline that are looked at, at most
SIDES = np.array([[-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]])  # of a pixel, from its centre
REACH = 2  # samples beyond the rim that a plane is fitted to
FLATTENING = 0.02  # squared samples: keeps planes through samples in one line from tilting
STEEPEST = 2.0  # times farther or nearer than the samples beside it may a place be

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


def trace_outline(mask: Mask) -> Numbers:
    """Return places x y around a mask: the sides of some of its outermost pixels, (P, 4, 2).

    Args:
        mask: Mask, shape (h, w).
    """
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pixels = np.concatenate([np.zeros((0, 2)), *(contour[:, 0] for contour in contours)])
    places: Numbers = pixels[:: max(1, math.ceil(len(pixels) / PIXELS)), None] + SIDES
    return places


def extrapolate(inverse: Numbers, places: Numbers, rim: int) -> Numbers:
    """Return the depth at places beside samples, NaN where most are not the object's, (P, S).

    It is that of the plane through the samples nearby. Of a plane, 1 / depth is linear in the
    image (of a rectified one; in a small part of any), so that is what is fitted.

    Args:
        inverse: 1 / depth at samples on a grid, 1 / metres, 0 where there is none, negative where
            it is not the object's, shape (h, w).
        places: Places x y in units of the grid, of which those in a row share a plane and have
            their middle in the grid or less than 1 before it, shape (P, S, 2).
        rim: How many samples wide the rim without depth is.
    """
    cells = places.mean(axis=1).astype(np.int64)
    near = _windows(inverse, cells, rim + REACH)  # (P, n * n)
    is_own = near > 0
    others = np.count_nonzero(near < 0, axis=1)
    near *= is_own
    sums = np.concatenate([is_own, near]) @ _plane_terms(rim + REACH)
    counts, x, y, xx, xy, yy = sums[: len(cells)].T
    counts[counts < np.maximum(others, 1)] = np.nan
    x, y, xx, xy, yy = x / counts, y / counts, xx / counts, xy / counts, yy / counts
    mean, xi, yi = sums[len(cells) :, :3].T / counts

    xx, yy, xy = xx - x * x + FLATTENING, yy - y * y + FLATTENING, xy - x * y
    xi, yi = xi - x * mean, yi - y * mean
    determinant = xx * yy - xy * xy
    slope_x, slope_y = (yy * xi - xy * yi) / determinant, (xx * yi - xy * xi) / determinant
    beyond_x, beyond_y = (places - cells[:, None]).transpose(2, 1, 0)  # (S, P) each
    there = mean + slope_x * (beyond_x - x) + slope_y * (beyond_y - y)
    return np.asarray(1 / there.clip(mean / STEEPEST, mean * STEEPEST).T)


@lru_cache(maxsize=8)
def _plane_terms(radius: int) -> Numbers:
    """Return 1, x, y, x x, x y, y y of each sample in a window, from its middle, (n * n, 6)."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].reshape(2, -1).astype(np.float64)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _windows(grid: Numbers, cells: npt.NDArray[np.int64], radius: int) -> Numbers:
    """Return the values in windows around cells x y, 0 outside the grid, shape (P, n * n)."""
    height, width = grid.shape
    padded = np.zeros((height + 2 * radius, width + 2 * radius))
    padded[radius : radius + height, radius : radius + width] = grid
    side = np.arange(2 * radius + 1)
    window = (side[:, None] * padded.shape[1] + side).ravel()
    first = cells[:, 1] * padded.shape[1] + cells[:, 0]
    values: Numbers = padded.ravel().take(first[:, None] + window)
    return values
