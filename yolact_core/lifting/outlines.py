"""The outline of an object in space, although depth is not to be trusted at rims."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

PIXELS = 200  # of an outline that are looked at, about
SIDES = np.array([[-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]])  # of a pixel, from its centre
REACH = 2  # samples beyond the rim that a plane is fitted to
LEAST_SAMPLES = 3
FLATTENING = 0.02  # squared samples: keeps planes through samples in one line from tilting
STEEPEST = 2.0  # times farther or nearer than the samples beside it may a place be

Mask = npt.NDArray[np.bool_]
Depths = npt.NDArray[np.float32]
Places = npt.NDArray[np.float64]  # (P, 2) x, y between pixel centres


def trace_outline(mask: Mask) -> Places:
    """Return places around a mask, on the edges of its outermost pixels, shape (P, 2).

    Args:
        mask: Mask, shape (h, w).
    """
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pixels = np.concatenate([np.zeros((0, 2)), *(contour[:, 0] for contour in contours)])
    some = pixels[:: max(1, len(pixels) // PIXELS), None]
    places: Places = (some + SIDES).reshape(-1, 2)
    return places


def extrapolate(depths: Depths, places: Places, rim: int) -> npt.NDArray[np.float64]:
    """Return the depth at places beside samples, NaN where there are too few of them.

    It is that of the plane through the samples nearby. Of a plane, 1 / depth is linear in the
    image (of a rectified one; in a small part of any), so that is what is fitted.

    Args:
        depths: Depth at samples on a grid, NaN where there is none, metres, shape (h, w).
        places: Places in units of the grid, within it or less than one unit beyond.
        rim: How many samples wide the rim without depth is.
    """
    height, width = depths.shape
    columns = places[:, 0].round().astype(np.int64).clip(0, width - 1)
    rows = places[:, 1].round().astype(np.int64).clip(0, height - 1)
    sums = _window_sums(depths, 2 * (rim + REACH) + 1)[rows, columns]  # (P, 9)
    with np.errstate(invalid='ignore', divide='ignore'):
        _, x, y, xx, xy, yy, inverse, xi, yi = np.divide(sums, sums[:, :1]).T
        xx = xx - x * x + FLATTENING
        yy = yy - y * y + FLATTENING
        xy, xi, yi = xy - x * y, xi - x * inverse, yi - y * inverse
        determinant = xx * yy - xy * xy
        slope_x, slope_y = (yy * xi - xy * yi) / determinant, (xx * yi - xy * xi) / determinant
        there = inverse + slope_x * (places[:, 0] - x) + slope_y * (places[:, 1] - y)
        found: npt.NDArray[np.float64] = 1 / np.clip(there, inverse / STEEPEST, inverse * STEEPEST)
    found[sums[:, 0] < LEAST_SAMPLES - 0.5] = np.nan
    return found


def _window_sums(depths: Depths, side: int) -> npt.NDArray[np.float64]:
    """Return sums over a window around each sample of what fits a plane, shape (h, w, 9)."""
    height, width = depths.shape
    x, y = np.arange(width), np.arange(height)[:, None]
    is_known = ~np.isnan(depths)
    terms = np.zeros((height, width, 9))
    terms[..., 0] = is_known
    terms[..., 6] = np.divide(1, depths, out=terms[..., 6], where=is_known)
    terms[..., 1] = is_known * x
    terms[..., 2] = is_known * y
    terms[..., 3] = terms[..., 1] * x
    terms[..., 4] = terms[..., 1] * y
    terms[..., 5] = terms[..., 2] * y
    terms[..., 7] = terms[..., 6] * x
    terms[..., 8] = terms[..., 6] * y
    return np.asarray(
        cv2.boxFilter(terms, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    )
