"""Upright boxes in the room, and how well they agree."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class UprightBox:
    """A box that is turned about the vertical only.

    Attributes:
        centre: Centre of it in metres, shape (3,).
        size: Width, depth and height in metres, shape (3,).
        yaw: Turn about the vertical in radians.
    """

    centre: Numbers
    size: Numbers
    yaw: float

    def thickened(self, least: float) -> UprightBox:
        """Return the box with no side shorter than ``least`` metres."""
        return UprightBox(self.centre, np.maximum(self.size, least), self.yaw)


def smallest_upright(points: Numbers) -> UprightBox:
    """Return the upright box of least area around points, z of which is up, shape (P, 3)."""
    middle = points.mean(axis=0)
    (x, y), (width, depth), degrees = cv2.minAreaRect((points - middle)[:, :2].astype(np.float32))
    low, high = points[:, 2].min(), points[:, 2].max()
    centre = np.array([x + middle[0], y + middle[1], (low + high) / 2])
    return UprightBox(centre, np.array([width, depth, high - low]), float(np.radians(degrees)))


def upright_iou(first: UprightBox, second: UprightBox) -> float:
    """Return the intersection over union of the volumes of two boxes."""
    plans = [
        ((box.centre - first.centre)[:2].tolist(), box.size[:2].tolist(), np.degrees(box.yaw))
        for box in (first, second)
    ]
    _, corners = cv2.rotatedRectangleIntersection(*plans)
    area = 0.0 if corners is None else cv2.contourArea(cv2.convexHull(corners))
    ends = [box.centre[2] + np.array([-0.5, 0.5]) * box.size[2] for box in (first, second)]
    height = min(ends[0][1], ends[1][1]) - max(ends[0][0], ends[1][0])
    common = area * max(0.0, height)
    return float(common / (first.size.prod() + second.size.prod() - common))
