"""Random rooms: floor, walls and ceiling, and what is fixed to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.assets.distractors import make_curtain
from recipes.indoor.assets.models import Part, join_vertices
from recipes.indoor.assets.primitives import WHITE, box, lathe, paint, sheet
from recipes.indoor.assets.textures import (
    FLOORS,
    WALLS,
    carpet,
    picture,
    plaster,
    stripes,
    tiles,
)

WALL_COUNT = 4


@dataclass(frozen=True)
class Room:
    """A rectangular room with its middle at the origin and its floor at z = 0.

    Attributes:
        width: Extent along x in metres.
        depth: Extent along y in metres.
        height: Height of the ceiling in metres.
    """

    width: float
    depth: float
    height: float

    @property
    def reach(self) -> NDArray[np.float64]:
        """Half its width and depth in metres, shape (2,)."""
        return np.array([self.width, self.depth]) / 2

    def wall(self, number: int) -> tuple[NDArray[np.float64], float, float]:
        """Return the foot of a wall's middle, the yaw of what leans on it, and its length.

        A model that stands there with this yaw has its back (+y of its own) to the wall.
        """
        yaw = number * np.pi / 2
        reach = (self.depth, self.width)[number % 2] / 2
        middle = np.array([-np.sin(yaw), np.cos(yaw), 0.0]) * reach
        return middle, yaw, (self.width, self.depth)[number % 2]


def make_room(random: Generator) -> Room:
    """Return a random room: mostly furnished-room sizes, sometimes a corridor or a hall."""
    height = random.uniform(2.3, 3.3)
    if random.random() < 0.15:
        return Room(random.uniform(1.4, 2.4), random.uniform(4, 8), height)
    return Room(random.uniform(2.8, 6.5), random.uniform(2.8, 6.5), height)


def room_shell(room: Room, random: Generator) -> list[Part]:
    """Return floor, walls, ceiling and, mostly, skirting boards."""
    x, y, z = room.width / 2, room.depth / 2, room.height
    floor = FLOORS[int(random.integers(len(FLOORS)))](random)
    wall = WALLS[int(random.integers(len(WALLS)))](random)
    accent = wall if random.random() < 0.7 else WALLS[int(random.integers(len(WALLS)))](random)
    size = random.uniform(0.8, 2.0)
    parts = [
        sheet((-x, -y, 0), (room.width, 0, 0), (0, room.depth, 0), floor, size),
        sheet((-x, -y, z), (room.width, 0, 0), (0, room.depth, 0), plaster(random), 2.0),
    ]
    for number in range(WALL_COUNT):
        middle, yaw, length = room.wall(number)
        along = length * np.array([np.cos(yaw), np.sin(yaw), 0])
        texture = accent if number == 0 else wall
        parts.append(sheet(middle - along / 2, along, (0, 0, z), texture, size))
    if random.random() < 0.8:
        rgba, rise = paint(random, 0.3), random.uniform(0.05, 0.15)
        for low, high in (((-x, -y), (x, -y + 0.015)), ((-x, y - 0.015), (x, y)),
                          ((-x, -y), (-x + 0.015, y)), ((x - 0.015, -y), (x, y))):  # fmt: skip
            parts.append(box((*low, 0), (*high, rise), rgba))
    return parts


def make_window(random: Generator) -> list[Part]:
    """Return a window with a bright view, its frame and bars, back at y = 0."""
    width, height = random.uniform(0.5, 1.8), random.uniform(0.6, 1.6)
    x, z, rgba = width / 2, random.uniform(0.7, 1.1), paint(random, 0.5)
    view = (picture(random) // 2 + 128).astype(np.uint8)
    parts = [box((-x, -0.01, z), (x, 0, z + height), WHITE, view, random.uniform(0.3, 0.9))]
    bars_wide, bars_high = int(random.integers(1, 4)), int(random.integers(1, 3))
    half = random.uniform(0.02, 0.04)
    for bar in range(bars_wide + 1):
        middle = -x + bar * width / bars_wide
        parts.append(box((middle - half, -0.05, z), (middle + half, 0, z + height), rgba))
    for bar in range(bars_high + 1):
        level = z + bar * height / bars_high
        parts.append(box((-x, -0.045, level - half), (x, 0, level + half), rgba))
    parts.append(box((-x - 0.05, -0.15, z - 0.04), (x + 0.05, 0, z - 0.01), rgba))
    return parts


def make_curtained_window(random: Generator) -> list[Part]:
    """Return a window behind curtains, back at y = 0."""
    window, curtain = make_window(random), make_curtain(random)
    sides = np.ptp(join_vertices(window)[:, 0]), np.ptp(join_vertices(curtain)[:, 0])
    factor = np.array([sides[0] / sides[1] * random.uniform(1.0, 1.4), 1.0, 1.0], np.float32)
    offset = np.array([0, -0.12, 0], np.float32)
    return window + [replace(part, vertices=part.vertices * factor + offset) for part in curtain]


def make_picture(random: Generator) -> list[Part]:
    """Return a framed picture, back at y = 0."""
    x, height = random.uniform(0.1, 0.5), random.uniform(0.2, 0.8)
    z = random.uniform(1.1, 1.5)
    return [box((-x, -0.02, z), (x, 0, z + height), WHITE, picture(random))]


def make_rug(random: Generator) -> list[Part]:
    """Return a rug or mat, round or rectangular."""
    fabric = (carpet, stripes, tiles, picture)[int(random.integers(4))](random)
    x, y = random.uniform(0.3, 1.3), random.uniform(0.3, 1.0)
    if random.random() < 0.25:
        return [lathe([(0.0, 0.008), (x, 0.008), (x, 0.0)], paint(random))]
    return [box((-x, -y, 0), (x, y, 0.008), WHITE, fabric)]


def make_toy(random: Generator) -> list[Part]:
    """Return a few joined blobs of several colours that look like no class."""
    parts, base = [], random.uniform(0.02, 0.07)
    for _ in range(int(random.integers(1, 6))):
        steps = np.linspace(0, np.pi, 12)
        radius, rise = base * random.uniform(0.5, 1.5, 2)
        low = random.uniform(0, 2 * base)
        outline = [(radius * np.sin(s) + 1e-4, low + rise * (1 - np.cos(s))) for s in steps]
        blob = lathe(outline, paint(random), 20)
        offset = (*random.uniform(-base, base, 2), 0.0)
        blob.vertices[:] += np.array(offset, np.float32)
        parts.append(blob)
    lowest = min(float(part.vertices[:, 2].min()) for part in parts)
    for part in parts:
        part.vertices[:, 2] -= lowest
    return parts
