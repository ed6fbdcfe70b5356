"""Outlines of binary masks as polygons, with holes and parts."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Ring = npt.NDArray[np.int32]  # (M, 2) x, y of pixel corners
Part = list[Ring]  # the outline, then its holes


def mask_to_polygons(mask: npt.NDArray[np.bool_], corner: tuple[int, int] = (0, 0)) -> list[Part]:
    """Trace the outlines of a mask exactly, along the edges of its pixels.

    A pixel (x, y) covers the square from (x, y) to (x + 1, y + 1). Filling the outlines by the
    even-odd rule gives back the mask.

    Args:
        mask: Shape (H, W).
        corner: Column and row of its first pixel in the image.

    Returns:
        The parts of the mask, pixels that touch at a corner being connected: the outline of each
        and then its holes, as in GeoJSON's MultiPolygon.
    """
    if not mask.any():
        return []
    # On a grid twice as fine no outline shares a pixel with another, and the pixel corner that is
    # nearest to a contour point is the one that the outline turns at.
    fine = mask.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    contours, hierarchy = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parts: dict[int, Part] = {}
    for index, (contour, (_, _, _, parent)) in enumerate(zip(contours, hierarchy[0], strict=True)):
        points = (contour[:, 0].astype(np.int32) + 1) // 2
        ring = _drop_straight(points) + np.array(corner, dtype=np.int32)
        parts.setdefault(index if parent < 0 else parent, []).append(ring)
    return list(parts.values())


def _drop_straight(points: Ring) -> Ring:
    """Drop repeated points and points on a straight line between their neighbours."""
    points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    before = points - np.roll(points, 1, axis=0)
    after = np.roll(points, -1, axis=0) - points
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    kept: Ring = points[turns]
    return kept
