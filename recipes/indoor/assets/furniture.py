"""Random furniture and doors, for classes that the furniture catalogues are thin in."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.assets.models import Part
from recipes.indoor.assets.primitives import WHITE, Rgba, box, lathe, paint, shaded
from recipes.indoor.assets.textures import carpet, wood


def _material(random: Generator) -> tuple[Rgba, NDArray[np.uint8] | None]:
    """Return a colour and texture for furniture: wood or paint."""
    return (WHITE, wood(random, 1)) if random.random() < 0.5 else (paint(random, 0.1), None)


def make_table(random: Generator) -> list[Part]:
    """Return a desk, dining or side table, sometimes with a block of drawers."""
    width, depth = random.uniform(0.5, 1.9), random.uniform(0.45, 0.9)
    height, thick = random.uniform(0.42, 0.95), random.uniform(0.015, 0.05)
    rgba, texture = _material(random)
    leg = paint(random)
    radius = random.uniform(0.015, 0.05)
    x, y = width / 2, depth / 2
    if random.random() < 0.2:
        stem = [(x * 0.7, 0.0), (x * 0.6, 0.02), (radius, 0.06), (radius, height - thick)]
        plate = [(0.0, height), (x, height), (x, height - thick), (0.0, height - thick)]
        return [lathe(plate, rgba), lathe(stem, leg)]
    parts = [box((-x, -y, height - thick), (x, y, height), rgba, texture)]
    inset = random.uniform(0, 0.08)
    for side in (-1, 1):
        for end in (-1, 1):
            centre = np.array([side * (x - radius - inset), end * (y - radius - inset)])
            parts.append(box((*(centre - radius), 0), (*(centre + radius), height - thick), leg))
    if width > 1 and height > 0.65 and random.random() < 0.6:
        block = min(0.45, width / 3)
        parts += _fronts(random, (x - block, -y + 0.02, 0.05), (x, y - 0.02, height - thick), 1)
    return parts


def _fronts(
    random: Generator,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    columns: int,
) -> list[Part]:
    """Return a body with doors or drawers on its front, in the box between two corners."""
    rgba, texture = _material(random)
    front, front_texture = (rgba, texture) if random.random() < 0.5 else _material(random)
    handle = paint(random)
    rows = int(random.integers(1, 6))
    body = box(low, high, shaded(rgba, 0.6), texture)
    parts = [body]
    width, height = (high[0] - low[0]) / columns, (high[2] - low[2]) / rows
    gap, y = 0.006, low[1]
    is_knob = random.random() < 0.5
    for column in range(columns):
        for row in range(rows):
            left, bottom = low[0] + column * width, low[2] + row * height
            parts.append(
                box((left + gap, y - 0.018, bottom + gap),
                    (left + width - gap, y, bottom + height - gap), front, front_texture)
            )  # fmt: skip
            centre, reach = left + width / 2, 0.012 if is_knob else width * 0.25
            z = bottom + height * 0.75
            parts.append(box((centre - reach, y - 0.04, z), (centre + reach, y, z + 0.02), handle))
    return parts


def make_cabinet(random: Generator) -> list[Part]:
    """Return a chest of drawers, sideboard or wardrobe."""
    columns = int(random.integers(1, 4))
    width, depth = columns * random.uniform(0.35, 0.6), random.uniform(0.3, 0.6)
    height = random.choice([random.uniform(0.4, 1.3), random.uniform(1.6, 2.2)])
    return _fronts(random, (-width / 2, -depth / 2, 0), (width / 2, depth / 2, height), columns)


def make_shelf(random: Generator) -> list[Part]:
    """Return an open shelf whose compartments are empty or hold rows of things."""
    columns, rows = int(random.integers(1, 5)), int(random.integers(2, 7))
    cell, depth = random.uniform(0.28, 0.55), random.uniform(0.22, 0.4)
    tall = random.uniform(0.26, 0.42)
    rgba, texture = _material(random)
    board = random.uniform(0.015, 0.035)
    width, height = columns * cell + board, rows * tall + board
    x, y = width / 2, depth / 2
    parts = [box((-x, -y, row * tall), (x, y, row * tall + board), rgba, texture)
             for row in range(rows + 1)]  # fmt: skip
    for column in range(columns + 1):
        left = -x + column * cell
        parts.append(box((left, -y, 0), (left + board, y, height), rgba, texture))
    if random.random() < 0.7:
        parts.append(box((-x, y - 0.01, 0), (x, y, height), rgba, texture))
    fill = random.uniform(0, 0.9)
    for column in range(columns):
        for row in range(rows):
            if random.random() < fill:
                corner = (-x + column * cell + board, -y + 0.03, row * tall + board)
                parts += _books(random, corner, cell - board, depth - 0.06, tall - board)
    return parts


def _books(
    random: Generator,
    corner: tuple[float, float, float],
    width: float,
    depth: float,
    height: float,
) -> list[Part]:
    """Return a row of books, or one storage box, from the lower left front corner on."""
    left, y, z = corner
    if random.random() < 0.25:
        tall = height * random.uniform(0.5, 0.9)
        return [box((left + 0.01, y, z), (left + width - 0.01, y + depth, z + tall), WHITE,
                    carpet(random))]  # fmt: skip
    colours = [paint(random) for _ in range(4)]
    parts, end = [], left + width * random.uniform(0.3, 1.0)
    while left + 0.06 < end:
        thick, tall = random.uniform(0.015, 0.05), height * random.uniform(0.6, 0.92)
        back = y + min(depth, random.uniform(0.12, 0.25))
        rgba = colours[int(random.integers(len(colours)))]
        parts.append(box((left, y, z), (left + thick - 0.002, back, z + tall), rgba))
        left += thick
    return parts


def make_door(random: Generator) -> list[Part]:
    """Return a door leaf with panels and handle, in its frame."""
    width, height = random.uniform(0.7, 1.0), random.uniform(1.95, 2.3)
    rgba, texture = (WHITE, wood(random, 1)) if random.random() < 0.4 else (paint(random), None)
    frame, edge = (rgba if random.random() < 0.5 else paint(random, 0.4)), 0.08
    x = width / 2
    parts = [box((-x, -0.02, 0), (x, 0.03, height), rgba, texture)]
    for low, high in (((-x - edge, 0), (-x, height)), ((x, 0), (x + edge, height)),
                      ((-x - edge, height), (x + edge, height + edge))):  # fmt: skip
        parts.append(box((low[0], -0.04, low[1]), (high[0], 0.04, high[1]), frame))
    columns, rows = int(random.integers(1, 3)), int(random.integers(0, 5))
    tone = random.uniform(0.8, 1.1)
    panel = shaded(rgba, tone)
    for column in range(columns):
        for row in range(rows):
            left, bottom = -x + column * width / columns, row * height / rows
            parts.append(
                box((left + 0.09, -0.032, bottom + 0.09),
                    (left + width / columns - 0.09, -0.02, bottom + height / rows - 0.09),
                    panel, texture)
            )  # fmt: skip
    side = float(random.choice([-1, 1]))
    handle = sorted((side * (x - 0.17), side * (x - 0.05)))
    parts.append(box((handle[0], -0.08, 1.0), (handle[1], -0.06, 1.025), paint(random)))
    return parts
