"""Boxes around the visible surface of an object."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

OUTSIDE = 0.03  # share of an outline beyond each end of a box
OUTLIERS = 0.002  # the same of the points within the outline
EITHER = 0.02  # the same of both, for the direction of a box
ENOUGH = 64  # points, and as many of the outline, for the direction of a box, at least
ABOUT = 1.2  # areas up to this ratio are about the same
YAWS = np.radians(np.arange(0, 90, 6))
FINE_YAWS = np.radians(np.arange(-3, 4))

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
        axes: Directions of its edges, a unit vector a row, right-handed, shape (3, 3).
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
    """Return level axes, turned about z so that the box around the points has a small area.

    Of two sides that meet at a right angle, which is what is seen of a cube from before its edge,
    the box along both and the one across have the same area. Of boxes about as small as any, the
    one is taken whose sides the points are nearest to.

    Args:
        points: Points in space, at least one, shape (P, 3).
        outline: Points around them, shape (R, 3).
        level: Axes of which z points up.
    """
    some = np.concatenate([_thin(points), _thin(outline)])
    flat = level[:2].astype(np.float32) @ some.T
    yaw = _choose_yaw(flat, YAWS)
    yaw = _choose_yaw(flat, yaw + FINE_YAWS)
    yaw = (yaw + math.pi / 4) % (math.pi / 2) - math.pi / 4
    sine, cosine = math.sin(yaw), math.cos(yaw)
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]]) @ level


def _thin(points: Points) -> Points:
    return points[:: max(1, len(points) // ENOUGH)]


def _choose_yaw(flat: Points, yaws: Numbers) -> float:
    """Return the yaw of the best box around points on a plane, shape (2, P), among some (Y,)."""
    sine, cosine = np.sin(yaws), np.cos(yaws)
    turns = np.array([[*cosine, *-sine], [*sine, *cosine]], dtype=np.float32).T
    along = (turns @ flat).reshape(2, len(yaws), -1)
    low, high = (end[..., None] for end in _ends(along, EITHER))
    areas = (high - low).prod(axis=0)[:, 0]
    kept = np.flatnonzero(areas <= ABOUT * areas.min())
    sides = np.minimum(np.abs(along - low)[:, kept], np.abs(along - high)[:, kept])
    return float(yaws[kept[sides.min(axis=0).mean(axis=1).argmin()]])


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
    leaving out a few percent shortens nothing. Of what bulges towards the camera the points within
    are the ends.

    Args:
        points: Points in space, at least one, shape (P, 3).
        outline: Points around them, shape (R, 3).
        axes: Axes of the box.
    """
    turn = axes.astype(np.float32)
    low, high = (end.astype(np.float64) for end in _ends(turn @ points.T, OUTLIERS))
    if len(outline):
        outer_low, outer_high = _ends(turn @ outline.T, OUTSIDE)
        low, high = np.minimum(low, outer_low), np.maximum(high, outer_high)
    return OrientedBox(centre=(low + high) / 2 @ axes, size=high - low, axes=axes)


def _ends(along: Points, share: float) -> tuple[Points, Points]:
    """Return the least and the largest value in the last axis, but for a share at each end."""
    count = along.shape[-1]
    rank = int(share * count)
    ordered = np.partition(along, (rank, count - 1 - rank), axis=-1)
    return ordered[..., rank], ordered[..., count - 1 - rank]
