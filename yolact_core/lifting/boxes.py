"""Boxes around the visible surface of an object."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

OUTSIDE = 0.02  # share of points beyond each end of a box

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


def extents(
    points: Points, outline: Points, axes: Axes
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the least and the largest coordinate along each axis, outliers aside.

    An outline ends where the object does, so of most shapes a large part of it is at the ends, and
    leaving out the last two percent shortens nothing. Of what bulges towards the camera the points
    within are the ends.

    Args:
        points: Points in space, at least one, shape (P, 3).
        outline: Points around them, shape (R, 3).
        axes: Axes of the box.
    """
    turn = axes.T.astype(np.float32)
    ends = [_ends(some @ turn) for some in (points, outline) if len(some)]
    low = np.min([low for low, _ in ends], axis=0).astype(np.float64)
    high = np.max([high for _, high in ends], axis=0).astype(np.float64)
    return low, high


def _ends(along: Points) -> tuple[Points, Points]:
    rank = int(OUTSIDE * len(along))
    ordered = np.partition(along, (rank, len(along) - 1 - rank), axis=0)
    return ordered[rank], ordered[-1 - rank]
