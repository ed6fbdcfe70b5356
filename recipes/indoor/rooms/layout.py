"""Decide what stands where: furniture on the floor, along walls, things on tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from recipes.indoor.assets.models import Model, ModelInfo
from recipes.indoor.rooms.room import Room

TRIES = 12
MAX_TOP = 1.35  # m, highest top that things are put on


@dataclass(frozen=True)
class Placement:
    """One model in the room.

    Attributes:
        info: The model.
        position: Middle of its footprint at its lowest point, in metres, shape (3,).
        yaw: Turn about the vertical in radians.
        scale: Factor on its real size.
    """

    info: ModelInfo
    position: NDArray[np.float64]
    yaw: float
    scale: float

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest corner of the upright box around it, in metres."""
        width, depth, height = np.array(self.info.size) * self.scale
        cosine, sine = abs(np.cos(self.yaw)), abs(np.sin(self.yaw))
        half = np.array([width * cosine + depth * sine, width * sine + depth * cosine, 0.0]) / 2
        return self.position - half, self.position + half + (0, 0, height)


@dataclass
class Layout:
    """A room being filled with models that do not run into each other."""

    room: Room
    random: Generator
    placements: list[Placement] = field(default_factory=list)

    def is_free(self, wanted: Placement, base: Placement | None = None) -> bool:
        """Return whether a placement is inside the room and clear of all others but ``base``."""
        low, high = wanted.bounds
        if (low[:2] < -self.room.reach - 1e-6).any() or (high[:2] > self.room.reach + 1e-6).any():
            return False
        if high[2] > self.room.height:
            return False
        others = (placement.bounds for placement in self.placements if placement is not base)
        return not any(
            (low < other_high - 1e-3).all() and (high > other_low + 1e-3).all()
            for other_low, other_high in others
        )

    def put(
        self,
        propose: Callable[[], Placement | None],
        base: Placement | None = None,
        tries: int = TRIES,
    ) -> Placement | None:
        """Keep the first of a few proposed placements that is free.

        Args:
            propose: Function that makes a proposal, or None where it found none.
            base: Placement that the new one may touch.
            tries: Number of proposals.
        """
        for _ in range(tries):
            placement = propose()
            if placement and self.is_free(placement, base):
                self.placements.append(placement)
                return placement
        return None

    def scale(self) -> float:
        """Return a random factor on a model's real size."""
        return float(np.round(self.random.uniform(0.9, 1.1), 2))

    def anywhere(self, height: float) -> NDArray[np.float64]:
        """Return a random point of the room at a height in metres, shape (3,)."""
        return np.array([*self.random.uniform(-self.room.reach, self.room.reach), height])

    def put_on_floor(self, info: ModelInfo) -> Placement | None:
        """Stand a model anywhere on the floor."""
        yaw = float(self.random.uniform(0, 2 * np.pi))
        return self.put(lambda: Placement(info, self.anywhere(0.0), yaw, self.scale()))

    def put_at_ceiling(self, info: ModelInfo) -> Placement | None:
        """Hang a model from the ceiling."""
        height = self.room.height - info.size[2]
        return self.put(lambda: Placement(info, self.anywhere(height), 0.0, 1.0))

    def put_at_wall(self, info: ModelInfo) -> Placement | None:
        """Stand a model with its back to a wall, or hang it there at its elevation."""

        def propose() -> Placement:
            scale = self.scale()
            middle, yaw, length = self.room.wall(int(self.random.integers(4)))
            slack = max(length - info.size[0] * scale, 0) / 2
            along = self.random.uniform(-slack, slack)
            gap = info.size[1] * scale / 2 + 0.02
            inward = -middle / np.linalg.norm(middle) * gap
            shift = along * np.array([np.cos(yaw), np.sin(yaw), 0])
            lift = np.array([0, 0, info.elevation])
            return Placement(info, middle + inward + shift + lift, yaw, scale)

        return self.put(propose)

    def put_around(self, info: ModelInfo, table: Placement, count: int) -> list[Placement]:
        """Stand up to ``count`` chairs around a table, facing it and partly under it."""
        scale = self.scale()

        def propose(side: int) -> Placement:
            yaw = table.yaw + side * np.pi / 2 + np.pi + self.random.normal(0, 0.25)
            toward = np.array([np.sin(table.yaw + side * np.pi / 2),
                               -np.cos(table.yaw + side * np.pi / 2), 0])  # fmt: skip
            half = table.info.size[(side + 1) % 2] * table.scale / 2
            reach = half + info.size[1] * scale * self.random.uniform(0.25, 0.8)
            return Placement(info, table.position + reach * toward, yaw, scale)

        sides = self.random.permutation(4)[:count]
        placed = [self.put(partial(propose, side), table, tries=1) for side in sides]
        return [placement for placement in placed if placement]

    def put_on_top(self, info: ModelInfo, base: Placement, model: Model) -> Placement | None:
        """Stand a small model on the flat top of ``base``, whose geometry is ``model``."""
        cells = np.argwhere(model.top)
        if not len(cells) or not 0.25 < model.top_height * base.scale < MAX_TOP:
            return None

        def propose() -> Placement | None:
            grid = np.array(model.top.shape[::-1])
            cell = self.random.choice(cells)[::-1] + self.random.random(2)
            local = (cell / grid - 0.5) * np.array(base.info.size[:2]) * base.scale
            height = model.top_height * base.scale + 1e-3
            position = base.position + np.array([*turn(local, base.yaw), height])
            placement = Placement(info, position, self.yaw_on(info, base), self.scale())
            return placement if is_supported(placement, base, model) else None

        return self.put(propose, base)

    def yaw_on(self, info: ModelInfo, base: Placement) -> float:
        """Return a random yaw: what has a front mostly faces the way of what it stands on."""
        if info.label in ('screen', 'laptop', 'appliance') and self.random.random() < 0.85:
            return float(base.yaw + self.random.normal(0, 0.3))
        return float(self.random.uniform(0, 2 * np.pi))


def turn(points: ArrayLike, yaw: float) -> NDArray[np.float64]:
    """Return points of the floor turned by an angle in radians.

    Args:
        points: Coordinates x and y in the last axis, shape (..., 2).
        yaw: Angle about the vertical.
    """
    x, y = np.moveaxis(np.asarray(points, float), -1, 0)
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)


def is_supported(placement: Placement, base: Placement, model: Model) -> bool:
    """Return whether the footprint of ``placement`` lies on the flat top of ``base``."""
    width, depth = np.array(placement.info.size[:2]) * placement.scale * 0.42
    corners = [(-width, -depth), (width, -depth), (width, depth), (-width, depth), (0, 0)]
    offset = (placement.position - base.position)[:2]
    local = turn(corners, placement.yaw - base.yaw) + turn(offset, -base.yaw)
    fractions = local / (np.array(base.info.size[:2]) * base.scale) + 0.5
    if (fractions < 0).any() or (fractions >= 1).any():
        return False
    columns, rows = (fractions * model.top.shape[::-1]).astype(int).T
    return bool(model.top[rows, columns].all())
