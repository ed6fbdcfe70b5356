"""Planes, boxes, spheres and cylinders, and the depth that a camera sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
NOTHING = -1  # where no solid is seen
FAR = np.inf


class Solid(Protocol):
    def hit(self, directions: Numbers) -> Numbers:
        """Return how far rays from the origin go until they meet it, infinity if never, (...)."""


@dataclass(frozen=True)
class Plane:
    """The points p with normal @ p = offset."""

    normal: Sequence[float]
    offset: float

    def hit(self, directions: Numbers) -> Numbers:
        with np.errstate(divide='ignore'):
            far = self.offset / (directions @ np.array(self.normal))
        return np.where(far > 0, far, FAR)


@dataclass(frozen=True)
class Sphere:
    centre: Sequence[float]
    radius: float

    def hit(self, directions: Numbers) -> Numbers:
        return _first_root(
            (directions**2).sum(axis=-1),
            directions @ np.array(self.centre),
            np.dot(self.centre, self.centre) - self.radius**2,
        )


@dataclass(frozen=True)
class Box:
    """A box whose edges lie along the rows of ``axes``."""

    centre: Sequence[float]
    size: Sequence[float]
    axes: Numbers = field(default_factory=lambda: np.eye(3))

    def hit(self, directions: Numbers) -> Numbers:
        along, middle = directions @ self.axes.T, self.axes @ np.array(self.centre)
        with np.errstate(divide='ignore', invalid='ignore'):
            ends = [(middle + side * np.array(self.size) / 2) / along for side in (-1, 1)]
        enter = np.minimum(*ends).max(axis=-1)
        leave = np.maximum(*ends).min(axis=-1)
        return np.where((enter <= leave) & (enter > 0), enter, FAR)


@dataclass(frozen=True)
class Cylinder:
    """An upright cylinder: its height lies along the last row of ``axes``."""

    centre: Sequence[float]
    radius: float
    height: float
    axes: Numbers = field(default_factory=lambda: np.eye(3))

    def hit(self, directions: Numbers) -> Numbers:
        along, middle = directions @ self.axes.T, self.axes @ np.array(self.centre)
        side = _first_root(
            (along[..., :2] ** 2).sum(axis=-1),
            along[..., :2] @ middle[:2],
            middle[:2] @ middle[:2] - self.radius**2,
        )
        is_on_side = np.abs(np.where(side < FAR, side, 0) * along[..., 2] - middle[2]) < (
            self.height / 2
        )
        fars = [np.where(is_on_side, side, FAR)]
        for end in (-1, 1):
            with np.errstate(divide='ignore'):
                far = (middle[2] + end * self.height / 2) / along[..., 2]
            apart = np.where(np.isfinite(far), far, 0)[..., None] * along[..., :2] - middle[:2]
            is_on_cap = ((apart**2).sum(axis=-1) < self.radius**2) & (far > 0)
            fars.append(np.where(is_on_cap, far, FAR))
        return np.min(fars, axis=0)


def cast(table: npt.NDArray[np.floating], solids: Sequence[Solid]) -> tuple[Numbers, Numbers]:
    """Return the depth in metres, infinity where nothing is, and the index of what is seen.

    Args:
        table: x and y of each pixel's ray where z is 1, shape (H, W, 2).
        solids: What is there, in the optical frame of the camera.
    """
    x_y = table.astype(np.float64)
    directions = np.concatenate([x_y, np.ones((*x_y.shape[:2], 1))], axis=-1)
    depths = np.stack([solid.hit(directions) for solid in solids])
    nearest = depths.min(axis=0)
    return nearest, np.where(nearest < FAR, depths.argmin(axis=0), NOTHING)


def pitched(degrees: float) -> Numbers:
    """Return level axes (x forward, y left, z up) of a camera that looks down by an angle.

    Its rows are in the optical frame: ``axes @ point`` is the point in the level frame.
    """
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[0, -sine, cosine], [-1, 0, 0], [0, -cosine, -sine]])


def turned(degrees: float) -> Numbers:
    """Return a rotation about z."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def spoiled(
    depth: Numbers,
    random: np.random.Generator,
    missing: float = 0.0,
    flying: int = 0,
    noise: float = 0.0,
) -> Numbers:
    """Return depth as a bad camera measures it, 0 where it does not.

    Args:
        depth: True depth in metres, shape (H, W).
        random: Source of randomness.
        missing: Share of the pixels without measurement.
        flying: Pixels on both sides of an edge at which depth is anywhere between both sides.
        noise: Standard deviation, as a share of the depth.
    """
    if flying:
        kernel = np.ones((2 * flying + 1, 2 * flying + 1), np.uint8)
        near, far = cv2.erode(depth, kernel), cv2.dilate(depth, kernel)
        between = near + (far - near) * random.random(depth.shape)
        depth = np.where(far - near > 0.1, between, depth)
    depth = depth * (1 + noise * random.standard_normal(depth.shape))
    return np.where(random.random(depth.shape) < missing, 0, depth)


def _first_root(square: Numbers, half_linear: Numbers, constant: float) -> Numbers:
    """Return the smaller positive root of square t^2 - 2 half_linear t + constant = 0."""
    with np.errstate(invalid='ignore', divide='ignore'):
        first = (half_linear - np.sqrt(half_linear**2 - square * constant)) / square
    return np.where(first > 0, first, FAR)
