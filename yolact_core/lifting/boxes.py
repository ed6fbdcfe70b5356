"""Boxes around the visible surface of an object."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]
Axes = npt.NDArray[np.float64]  # (3, 3), a unit vector a row, right-handed


def level_axes(up: npt.NDArray[np.float64]) -> Axes:
    """Return axes of which z points up and x, if possible, away from the camera, y to the left.

    Args:
        up: Unit vector that points up, in the optical frame of the camera, shape (3,).
    """
    forward, image_up = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])
    ahead = forward if abs(up[2]) < abs(up[1]) else image_up
    x = ahead - (ahead @ up) * up
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(up, x), up])


def upright_axes(points: Points, level: Axes) -> Axes:
    """Return level axes, turned about z so that the box around the points has the least area.

    Args:
        points: Points in space, at least one, shape (P, 3).
        level: Axes of which z points up.
    """
    flat = points @ level[:2].T.astype(np.float32)
    _, _, degrees = cv2.minAreaRect(flat - flat[0])
    yaw = math.radians((degrees + 45) % 90 - 45)
    turn = np.array(
        [[math.cos(yaw), math.sin(yaw), 0], [-math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]]
    )
    return turn @ level


def principal_axes(points: Points) -> Axes:
    """Return the axes along which the points spread, most first.

    Args:
        points: Points in space, at least one, shape (P, 3).
    """
    spread = (points - points.mean(axis=0)).astype(np.float64)
    _, vectors = np.linalg.eigh(spread.T @ spread)
    x, y = vectors[:, 2], vectors[:, 1]
    return np.stack([x, y, np.cross(x, y)])


def extents(points: Points, axes: Axes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the least and the largest coordinate along each axis, outliers aside.

    Args:
        points: Points in space, at least one, shape (P, 3).
        axes: Axes of the box.
    """
    along = points.astype(np.float64) @ axes.T
    return along.min(axis=0), along.max(axis=0)
