"""Random things that no class means: what hangs, lies and stands about in real rooms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from recipes.indoor.assets.models import Part
from recipes.indoor.assets.primitives import (
    WHITE,
    Rgba,
    box,
    grid,
    lathe,
    moved,
    paint,
    shaded,
    standing,
    tube,
    turned,
)
from recipes.indoor.assets.textures import carpet, picture, stripes

Maker = Callable[[Generator], list[Part]]
Fabric = tuple[Rgba, NDArray[np.uint8] | None]


def _fabric(random: Generator) -> Fabric:
    """Return colour and texture of a cloth: plain, woven, striped or printed."""
    kind = random.random()
    if kind < 0.5:
        return paint(random, 0.2), None
    return WHITE, (carpet if kind < 0.75 else stripes if kind < 0.9 else picture)(random)


def _hung_cloth(
    random: Generator, low: tuple[float, float], high: tuple[float, float], fabric: Fabric
) -> Part:
    """Return a cloth that hangs in upright folds.

    Args:
        random: Source of randomness.
        low: Left end and lower hem in metres.
        high: Right end and upper hem in metres.
        fabric: Colour and texture.
    """
    columns = max(int((high[0] - low[0]) / 0.02), 8)
    s, t = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, 6))
    wave = random.uniform(0.06, 0.16)  # m from fold to fold
    phase = np.cumsum(random.uniform(0.6, 1.4, columns)) * (high[0] - low[0]) / columns / wave
    depth = random.uniform(0.01, 0.04) * (1.2 - 0.4 * t)
    y = -0.05 + depth * np.sin(2 * np.pi * phase) + random.normal(0, 0.002, s.shape)
    gather = 1 - random.uniform(0, 0.25) * np.sin(np.pi * t)  # narrower at half its height
    x = low[0] + (s - 0.5) * gather * (high[0] - low[0]) + (high[0] - low[0]) / 2
    points = np.stack([x, y, low[1] + t * (high[1] - low[1])], axis=-1)
    rgba, texture = fabric
    return grid(points, rgba, texture)


def make_curtain(random: Generator) -> list[Part]:
    """Return one or two curtains on a rod, down to the floor or to a sill, back at y = 0."""
    top, width = random.uniform(1.9, 2.4), random.uniform(0.7, 2.4)
    hem = random.choice([random.uniform(0.02, 0.15), random.uniform(0.7, 1.1)])
    fabric, x = _fabric(random), width / 2
    ends = [(-x, x)]
    if width > 1.2 or random.random() < 0.4:
        reach = width * random.uniform(0.12, 0.45)
        ends = [(-x, -x + reach), (x - reach, x)]
    parts = [_hung_cloth(random, (left, hem), (right, top), fabric) for left, right in ends]
    if random.random() < 0.7:
        over = top + 0.02
        rod = [(-x - 0.1, -0.05, over), (0, -0.05, over + 0.001), (x + 0.1, -0.05, over)]
        parts.append(tube(rod, random.uniform(0.008, 0.02), paint(random)))
    return parts


def make_blind(random: Generator) -> list[Part]:
    """Return a roller blind, or one of slats, back at y = 0."""
    x, top, height = random.uniform(0.3, 0.8), random.uniform(1.7, 2.2), random.uniform(0.3, 1.4)
    rgba, texture = _fabric(random)
    parts = [box((-x, -0.07, top), (x, 0, top + 0.07), shaded(paint(random, 0.5), 1.0))]
    if random.random() < 0.5:
        return [*parts, box((-x, -0.03, top - height), (x, -0.025, top), rgba, texture)]
    colour, tilt = paint(random, 0.3), random.uniform(0, 1.3)
    for level in np.arange(top - height, top, 0.045):
        slat = box((-x, -0.045, level), (x, -0.01, level + 0.002), colour)
        parts.append(turned(slat, 0, tilt, (0, -0.027, level)))
    return parts


def make_towel(random: Generator) -> list[Part]:
    """Return a towel, coat or bag on a hook, back at y = 0."""
    x, top = random.uniform(0.12, 0.3), random.uniform(1.3, 1.8)
    low = top - random.uniform(0.3, 1.0)
    cloth = _hung_cloth(random, (-x, low), (x, top), _fabric(random))
    squeeze = 1 - random.uniform(0.2, 0.8) * (cloth.vertices[:, 2] - low) / (top - low)
    cloth.vertices[:, 0] *= squeeze
    return [cloth, box((-0.02, -0.06, top - 0.02), (0.02, 0, top + 0.03), paint(random))]


def make_wall_things(random: Generator) -> list[Part]:
    """Return switches, sockets, notes or a clock on a wall, back at y = 0."""
    z = float(random.choice([random.uniform(0.2, 0.4), random.uniform(1.0, 1.7)]))
    parts = []
    if random.random() < 0.25:
        dial = turned(lathe([(0.0, 0.02), (0.15, 0.02), (0.15, 0.0)], paint(random, 0.4)), 0,
                      np.pi / 2, (0, 0, 0))  # fmt: skip
        hand = box((-0.005, -0.025, 0), (0.005, -0.021, 0.11), paint(random, 0, 0.3))
        return moved((dial, hand), (0, 0, 1.8))
    for _ in range(int(random.integers(1, 7))):
        left, low = random.uniform(-0.4, 0.4), z + random.uniform(0, 0.4)
        side, tall = random.uniform(0.06, 0.3), random.uniform(0.06, 0.3)
        is_note = random.random() < 0.5
        parts.append(
            box((left, -0.012, low), (left + side, 0, low + tall),
                WHITE if is_note else paint(random, 0.6), picture(random) if is_note else None)
        )  # fmt: skip
    return parts


def _pillow(
    middle: ArrayLike, half: ArrayLike, rgba: Rgba, texture: NDArray[np.uint8] | None = None,
    roundness: float = 0.5,
) -> Part:  # fmt: skip
    """Return a superellipsoid: a ball at ``roundness`` 1, a cushion at 0.5."""
    u, v = np.meshgrid(np.linspace(-np.pi, np.pi, 25), np.linspace(-np.pi / 2, np.pi / 2, 13))

    def power(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.sign(values) * np.abs(values) ** roundness)

    points = np.stack([power(np.cos(v)) * power(np.cos(u)), power(np.cos(v)) * power(np.sin(u)),
                       np.sin(v)], axis=-1)  # fmt: skip
    return grid(np.asarray(middle) + points * np.asarray(half), rgba, texture)


def make_cushion(random: Generator) -> list[Part]:
    """Return a cushion, a folded blanket or a bag of cloth."""
    rgba, texture = _fabric(random)
    half = random.uniform((0.15, 0.12, 0.05), (0.35, 0.3, 0.22))
    return [_pillow((0, 0, half[2]), half, rgba, texture, random.uniform(0.4, 0.8))]


def make_doll(random: Generator) -> list[Part]:
    """Return a figure or a soft animal with head, limbs and, sometimes, ears: nobody's person."""
    tall = random.uniform(0.12, 0.5)
    skin, cloth = paint(random, 0.2), paint(random)
    girth, thigh = random.uniform(0.16, 0.3), random.choice([0.09, 0.3])
    parts = [
        _pillow((0, 0, 0.4), (girth, girth * 0.8, 0.26), cloth, None, 0.9),
        _pillow((0, 0, 0.8), np.full(3, random.uniform(0.14, 0.26)), skin, None, 1.0),
    ]
    for side in (-1, 1):
        swing, reach = random.uniform(0.1, 1.3), random.uniform(0.14, 0.26)
        shoulder = (side * girth, 0, 0.55)
        middle = (shoulder[0] + side * reach * 0.6, 0, 0.55)
        arm = _pillow(middle, (reach, 0.07, 0.07), skin, None, 0.9)
        parts.append(turned(arm, 1, side * swing, shoulder))
        parts.append(_pillow((side * girth * 0.5, -0.1, 0.12), (0.09, thigh, 0.16), cloth))
        if random.random() < 0.5:
            parts.append(_pillow((side * 0.17, 0, 1.0), (0.07, 0.04, 0.08), skin, None, 1.0))
    return standing([replace(part, vertices=part.vertices * np.float32(tall)) for part in parts])


def make_blocks(random: Generator) -> list[Part]:
    """Return toys of plain solids: bricks, rings, balls and wheels, piled or strewn."""
    parts = []
    for _ in range(int(random.integers(2, 9))):
        x, y, z = (*random.uniform(-0.2, 0.2, 2), random.uniform(0, 0.08))
        side, rgba = random.uniform(0.02, 0.07), paint(random, 0.2)
        kind = random.random()
        if kind < 0.5:
            size = side * random.uniform(0.5, 2, 3)
            solid = box((x, y, z), np.array((x, y, z)) + size, rgba)
        elif kind < 0.8:
            solid = _pillow((x, y, z + side), (side, side, side), rgba, None, 1.0)
        else:
            disc = lathe([(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)], rgba)
            (solid,) = moved([disc], (x, y, z))
        parts.append(turned(solid, 2, random.uniform(0, np.pi), (x, y, 0)))
    return standing(parts)


def make_pile(random: Generator) -> list[Part]:
    """Return books, magazines or papers, one on another."""
    parts, z = [], 0.0
    for _ in range(int(random.integers(1, 9))):
        x, y = random.uniform(0.07, 0.16), random.uniform(0.09, 0.2)
        thick = random.choice([random.uniform(0.001, 0.004), random.uniform(0.01, 0.05)])
        cover = picture(random) if random.random() < 0.5 else None
        sheet_of = box((-x, -y, z), (x, y, z + thick), WHITE if cover is not None else
                       paint(random, 0.3), cover)  # fmt: skip
        parts.append(turned(sheet_of, 2, random.normal(0, 0.4), (0, 0, 0)))
        z += thick
    return parts


def make_plate(random: Generator) -> list[Part]:
    """Return a plate, a tray or a board, with or without food."""
    radius = random.uniform(0.08, 0.16)
    rim = [(0.0, 0.003), (radius * 0.65, 0.004), (radius, 0.018), (radius, 0.014), (0.0, 0.0)]
    parts = [lathe(rim, paint(random, 0.5))]
    if random.random() < 0.3:
        parts = [box((-radius, -radius * 0.6, 0), (radius, radius * 0.6, 0.012), *_fabric(random))]
    for _ in range(int(random.integers(0, 5))):
        half = random.uniform(0.01, 0.045, 3)
        spot = (*random.uniform(-radius / 2, radius / 2, 2), half[2] + 0.004)
        parts.append(_pillow(spot, half, paint(random, 0.2), None, random.uniform(0.5, 1.0)))
    return parts


def make_desk_things(random: Generator) -> list[Part]:
    """Return a keyboard, a mouse, a remote control or a cable."""
    rgba = paint(random, 0.02, float(random.choice([0.3, 0.95])))
    x, y = random.uniform(0.14, 0.24), random.uniform(0.05, 0.08)
    parts = []
    if random.random() < 0.6:
        parts.append(box((-x, -y, 0), (x, y, 0.02), rgba))
        keys = shaded(rgba, random.uniform(0.5, 1.6))
        for row in range(5):
            low = (-x * 0.95, -y * 0.9 + row * y * 0.36, 0.02)
            parts.append(box(low, (x * 0.95, low[1] + y * 0.28, 0.024), keys))
    else:
        parts.append(box((-0.025, -0.09, 0), (0.025, 0.09, 0.02), rgba))
    if random.random() < 0.6:
        parts.append(_pillow((x + 0.08, 0, 0.012), (0.03, 0.05, 0.018), rgba, None, 0.8))
    if random.random() < 0.5:
        s = np.linspace(0, 1, 14)
        bends = np.stack([0.3 * s, 0.1 + 0.08 * np.sin(7 * s + x), np.full(14, 0.004)], axis=1)
        parts.append(tube(bends, 0.004, paint(random, 0, 0.4), 6))
    return standing(parts)


HUNG: tuple[Maker, ...] = (
    make_curtain, make_curtain, make_curtain, make_blind, make_towel, make_wall_things,
)  # fmt: skip
LYING: tuple[Maker, ...] = (make_cushion, make_doll, make_blocks, make_pile)
TABLETOP: tuple[Maker, ...] = (make_doll, make_blocks, make_pile, make_plate, make_desk_things)
