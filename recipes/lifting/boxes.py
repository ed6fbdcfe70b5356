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

    def contains(self, points: Numbers, margin: float) -> NDArray[np.bool_]:
        """Return which points, shape (P, 3), are in the box or at most a margin away from it."""
        along = np.abs((points - self.centre) @ _turn(self.yaw))
        return np.asarray((along <= self.size / 2 + margin).all(axis=1))


def upright_around(points: Numbers, yaw: float) -> UprightBox:
    """Return the box around points, shape (P, 3), that is turned by ``yaw`` in radians."""
    turn = _turn(yaw)
    low, high = (points @ turn).min(axis=0), (points @ turn).max(axis=0)
    return UprightBox(turn @ (low + high) / 2, high - low, yaw)


def smallest_upright(points: Numbers) -> UprightBox:
    """Return the upright box of least area around points, z of which is up, shape (P, 3)."""
    flat = (points - points.mean(axis=0))[:, :2].astype(np.float32)
    _, _, degrees = cv2.minAreaRect(flat)
    return upright_around(points, float(np.radians(degrees)))


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


def _turn(yaw: float) -> Numbers:
    """Return the axes of a box as columns, shape (3, 3)."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
