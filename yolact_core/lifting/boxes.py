"""Boxes around the visible surface of an object."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

OUTSIDE = 0.02  # share of points beyond each end of a box
EVERY = 8  # of the points within the outline one counts for the direction of a box

Points = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Axes = npt.NDArray[np.float64]  # (3, 3), a unit vector a row, right-handed
CAMERA_AXES = np.eye(3)


@dataclass(frozen=True, eq=False)
class OrientedBox:
    """A box along axes of its own.

    Args:
        centre: Middle of the box, metres, shape (3,).
        size: Full lengths of its edges along its axes, metres, shape (3,).
        axes: Unit vectors along the edges, one a row, shape (3, 3).
    """

    centre: Numbers
    size: Numbers
    axes: Axes


def level_axes(up: Numbers) -> Axes:
    """Return axes of which z points up and x, if possible, away from the camera, y to the left.

    Args:
        up: Unit vector that points up, in the optical frame of the camera, shape (3,).
    """
    forward, image_up = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])
    ahead = forward if abs(up[2]) < abs(up[1]) else image_up
    x = ahead - (ahead @ up) * up
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(up, x), up])


def upright_axes(points: Points, outline: Points, level: Axes) -> Axes:
    """Return level axes, turned about z so that the box around the points has the least area.

    Args:
        points: Points in space, at least one, shape (P, 3).
        outline: Points around them, shape (R, 3).
        level: Axes of which z points up.
    """
    flat = np.concatenate([points[::EVERY], outline]) @ level[:2].T.astype(np.float32)
    _, _, degrees = cv2.minAreaRect(flat)
    yaw = math.radians((degrees + 45) % 90 - 45)
    sine, cosine = math.sin(yaw), math.cos(yaw)
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]]) @ level


def principal_axes(points: Points) -> Axes:
    """Return the axes along which the points spread, most first.

    Args:
        points: Points in space, at least one, shape (P, 3).
    """
    spread = (points - points.mean(axis=0)).astype(np.float64)
    _, vectors = np.linalg.eigh(spread.T @ spread)
    x, y = vectors[:, 2], vectors[:, 1]
    return np.stack([x, y, np.cross(x, y)])


def fit_box(points: Points, outline: Points, axes: Axes) -> OrientedBox:
    """Return the box along some axes, outliers aside.

    An outline ends where the object does, so of most shapes a large part of it is at the ends, and
    leaving out the last two percent shortens nothing. Of what bulges towards the camera the points
    within are the ends.

    Args:
        points: Points in space, at least one, shape (P, 3).
        outline: Points around them, shape (R, 3).
        axes: Axes of the box.
    """
    turn = axes.T.astype(np.float32)
    low, high = (end.astype(np.float64) for end in _ends(points @ turn))
    if len(outline):
        outer_low, outer_high = _ends(outline @ turn)
        low, high = np.minimum(low, outer_low), np.maximum(high, outer_high)
    return OrientedBox(centre=(low + high) / 2 @ axes, size=high - low, axes=axes)


def _ends(along: Points) -> tuple[Points, Points]:
    rank = int(OUTSIDE * len(along))
    ordered = np.partition(along, (rank, len(along) - 1 - rank), axis=0)
    return ordered[rank], ordered[-1 - rank]
