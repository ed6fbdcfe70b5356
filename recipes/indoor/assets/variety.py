"""More kinds of doors, cabinets, shelves, boxes and lamps, made anew for every room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from recipes.indoor.assets.furniture import make_door, make_shelf
from recipes.indoor.assets.models import Part
from recipes.indoor.assets.primitives import WHITE, box, lathe, moved, paint, shaded, tube, turned
from recipes.indoor.assets.textures import carpet, picture, wood
from recipes.indoor.assets.things import GENERATORS, make_bowl, make_box, make_vase

Maker = Callable[[Generator], list[Part]]


def make_plain_door(random: Generator) -> list[Part]:
    """Return a flush door in pale paint, as most flats have, in a frame of its colour."""
    width, height = random.uniform(0.65, 0.95), random.uniform(1.95, 2.15)
    shade, x, edge = random.uniform(0.7, 1.0), width / 2, random.uniform(0.05, 0.1)
    tone = shade * random.uniform(0.9, 1.0, 3)
    rgba = (float(tone[0]), float(tone[1]), float(tone[2]), 1.0)
    frame = shaded(rgba, random.uniform(0.8, 1.1))
    parts = [box((-x, -0.02, 0), (x, 0.02, height), rgba)]
    for low, high in (((-x - edge, 0), (-x, height)), ((x, 0), (x + edge, height)),
                      ((-x - edge, height), (x + edge, height + edge))):  # fmt: skip
        parts.append(box((low[0], -0.035, low[1]), (high[0], 0.03, high[1]), frame))
    for level in np.linspace(0, height, int(random.integers(2, 5)) + 1)[1:-1]:
        if random.random() < 0.5:
            parts.append(box((-x, -0.0205, level), (x, -0.02, level + 0.01), shaded(rgba, 0.75)))
    return parts + _handle(random, x, -0.02)


def _handle(random: Generator, x: float, y: float) -> list[Part]:
    """Return the handle of a leaf that reaches to ``x`` on both sides and has its front at y."""
    side, metal = float(random.choice([-1, 1])), paint(random, 0.3)
    plate = sorted((side * (x - 0.09), side * (x - 0.05)))
    lever = sorted((side * (x - 0.2), side * (x - 0.05)))
    return [
        box((plate[0], y - 0.008, 0.9), (plate[1], y, 1.12), metal),
        box((lever[0], y - 0.055, 1.03), (lever[1], y - 0.04, 1.05), metal),
    ]


def make_glazed_door(random: Generator) -> list[Part]:
    """Return a door with panes in its leaf."""
    width, height = random.uniform(0.7, 1.0), random.uniform(1.95, 2.2)
    x, rgba, border = width / 2, paint(random, 0.3), random.uniform(0.08, 0.14)
    glass = paint(random, 0.6)
    rows, low = int(random.integers(1, 6)), random.choice([border, 0.8])
    parts = [box((-x, -0.02, 0), (x, 0.02, height), rgba)]
    step = (height - border - low) / rows
    is_seen_through = random.random() < 0.3
    for row in range(rows):
        bottom = low + row * step
        ends = ((-x + border, -0.025, bottom), (x - border, -0.021, bottom + step - 0.03))
        if is_seen_through:
            beyond = (picture(random) // 3 + 120).astype(np.uint8)
            parts.append(box(*ends, WHITE, beyond, 0.3))
        else:
            parts.append(box(*ends, glass))
    for side in (-1, 1):
        jamb = sorted((side * x, side * (x + 0.07)))
        parts.append(box((jamb[0], -0.04, 0), (jamb[1], 0.04, height), rgba))
    return parts + _handle(random, x, -0.025)


def make_open_door(random: Generator) -> list[Part]:
    """Return a door that stands open before a dark or a light opening."""
    leaf = make_door(random) if random.random() < 0.5 else make_plain_door(random)
    points = np.concatenate([part.vertices for part in leaf])
    x, height = float(points[:, 0].max()) - 0.08, float(points[:, 2].max()) - 0.08
    side = float(random.choice([-1, 1]))
    angle = -side * random.uniform(0.3, 1.7)
    opened = [turned(part, 2, angle, (side * x, -0.03, 0)) for part in leaf[:1] + leaf[4:]]
    beyond = box((-x, 0.02, 0), (x, 0.03, height), paint(random, 0.02, 0.6))
    return [beyond, *leaf[1:4], *opened]


def make_wardrobe(random: Generator) -> list[Part]:
    """Return a tall cupboard with plain, slatted or mirrored doors."""
    columns = int(random.integers(2, 5))
    width, depth, height = columns * random.uniform(0.4, 0.75), 0.6, random.uniform(1.8, 2.4)
    x, y = width / 2, depth / 2
    texture = wood(random, 1) if random.random() < 0.5 else None
    rgba = WHITE if texture is not None else paint(random, 0.2)
    parts = [box((-x, -y + 0.02, 0), (x, y, height), shaded(rgba, 0.8), texture)]
    step = width / columns
    for column in range(columns):
        left, right = -x + column * step + 0.004, -x + (column + 1) * step - 0.004
        front = -y + 0.015 * (column % 2)
        is_mirror = random.random() < 0.15
        parts.append(box((left, front - 0.02, 0.06), (right, front, height - 0.03),
                         paint(random, 0.5) if is_mirror else rgba,
                         None if is_mirror else texture))  # fmt: skip
        grip = right - 0.05 if column % 2 else left + 0.03
        parts.append(box((grip, front - 0.045, height * 0.4), (grip + 0.02, front - 0.02,
                         height * random.uniform(0.45, 0.6)), paint(random)))  # fmt: skip
    return parts


def make_kitchen(random: Generator) -> list[Part]:
    """Return a row of base cabinets under one worktop, with cabinets above or without."""
    columns, step = int(random.integers(2, 5)), random.uniform(0.4, 0.6)
    x, y, height = columns * step / 2, 0.3, random.uniform(0.84, 0.92)
    texture = wood(random, 1) if random.random() < 0.3 else None
    rgba = WHITE if texture is not None else paint(random, 0.3)
    top, metal = paint(random, 0.1), paint(random, 0.3)
    parts = [
        box((-x, -y + 0.02, 0.1), (x, y, height - 0.03), shaded(rgba, 0.7)),
        box((-x, -y + 0.06, 0), (x, y, 0.1), shaded(rgba, 0.3)),
        box((-x, -y - 0.02, height - 0.03), (x, y, height), top),
    ]
    levels = [(0.12, height - 0.05, -y)]
    if random.random() < 0.5:
        levels.append((1.4, random.uniform(1.95, 2.2), 0.0))
        parts.append(box((-x, 0.0, 1.4), (x, y, levels[1][1]), shaded(rgba, 0.7)))
    for low, high, front in levels:
        for column in range(columns):
            left, rows = -x + column * step, int(random.choice([1, 1, 3]))
            for row in range(rows if front < 0 else 1):
                rise = (high - low) / (rows if front < 0 else 1)
                bottom = low + row * rise
                parts.append(box((left + 0.003, front, bottom + 0.003),
                                 (left + step - 0.003, front + 0.02, bottom + rise - 0.003),
                                 rgba, texture))  # fmt: skip
                parts.append(
                    box(
                        (left + step * 0.3, front - 0.03, bottom + rise - 0.07),
                        (left + step * 0.7, front, bottom + rise - 0.055),
                        metal,
                    )
                )
    return parts


def make_filled_shelf(random: Generator) -> list[Part]:
    """Return an open shelf, on which small things stand among the books."""
    parts = make_shelf(random)
    points = np.concatenate([part.vertices for part in parts])
    x, top = float(points[:, 0].max()) - 0.15, float(points[:, 2].max())
    for _ in range(int(random.integers(0, 4))):
        maker = (make_vase, make_bowl, make_box)[int(random.integers(3))]
        thing = [replace(part, vertices=part.vertices * np.float32(0.5)) for part in maker(random)]
        parts += moved(thing, (random.uniform(-x, x) if x > 0 else 0, 0, top))
    return parts


def make_carton(random: Generator) -> list[Part]:
    """Return a closed carton with seams, tape and labels."""
    x, y, z = random.uniform((0.1, 0.08, 0.1), (0.35, 0.28, 0.5))
    card = (*np.array([0.72, 0.55, 0.36]) * random.uniform(0.55, 1.25), 1.0)
    parts = [box((-x, -y, 0), (x, y, z), card)]
    tape = shaded(card, random.uniform(0.7, 1.4))
    parts.append(box((-x - 0.001, -0.025, z * 0.75), (x + 0.001, 0.025, z + 0.0015), tape))
    parts.append(box((-x, -0.003, z), (x, 0.003, z + 0.002), shaded(card, 0.5)))
    for _ in range(int(random.integers(0, 4))):
        left, low = random.uniform(-x * 0.9, x * 0.5), random.uniform(0.1, 0.6) * z
        label = ((left, -y - 0.001, low), (left + x * 0.4, -y, low + z * 0.25))
        plain = random.random() < 0.5
        parts.append(box(*label, paint(random) if plain else WHITE,
                         None if plain else picture(random)))  # fmt: skip
    return parts


def make_storage_box(random: Generator) -> list[Part]:
    """Return a box of cloth or plastic with a lid or handles."""
    x, y, z = random.uniform((0.12, 0.1, 0.1), (0.3, 0.25, 0.35))
    texture = carpet(random) if random.random() < 0.4 else None
    rgba = WHITE if texture is not None else paint(random, 0.2)
    parts = [box((-x, -y, 0), (x, y, z), rgba, texture)]
    if random.random() < 0.6:
        lid = paint(random, 0.2) if random.random() < 0.5 else shaded(rgba, 0.9)
        parts.append(box((-x * 1.04, -y * 1.04, z), (x * 1.04, y * 1.04, z + 0.03), lid))
    else:
        parts.append(box((-x * 0.93, -y * 0.93, z), (x * 0.93, y * 0.93, z + 0.001),
                         shaded(paint(random), 0.3)))  # fmt: skip
    grip = box((-0.05, -y - 0.004, z * 0.65), (0.05, -y, z * 0.8), shaded(paint(random), 0.4))
    return [*parts, grip]


def _lamp(random: Generator, height: float, radius: float) -> list[Part]:
    """Return a lamp with a foot, a stem and a shade that may be lit."""
    rise = radius * random.uniform(0.8, 1.8)
    top, emission = radius * random.uniform(0.3, 1.0), random.choice([0.0, 0.3, 0.9])
    shade = lathe([(radius, height - rise), (top, height), (top * 0.97, height),
                   (radius * 0.97, height - rise)], paint(random, 0.5))  # fmt: skip
    foot = radius * random.uniform(0.5, 0.9)
    metal, stem = paint(random), random.uniform(0.006, 0.02)
    base = [(0.0, 0.0), (foot, 0.0), (foot, 0.015), (stem, 0.03), (stem, height - rise * 0.6)]
    if random.random() < 0.4 and height < 0.8:  # a body of pottery instead of a stem
        body = foot * random.uniform(0.6, 1.1)
        base = [(0.0, 0.0), (foot * 0.7, 0.0), (body, (height - rise) * 0.45),
                (stem, height - rise), (stem, height - rise * 0.5)]  # fmt: skip
    return [replace(shade, emission=float(emission)), lathe(base, metal)]


def make_table_lamp(random: Generator) -> list[Part]:
    """Return a lamp for a table."""
    return _lamp(random, random.uniform(0.3, 0.65), random.uniform(0.08, 0.2))


def make_floor_lamp(random: Generator) -> list[Part]:
    """Return a lamp that stands on the floor, upright or with a bow."""
    if random.random() < 0.6:
        return _lamp(random, random.uniform(1.3, 1.8), random.uniform(0.12, 0.28))
    height, reach, metal = random.uniform(1.3, 1.8), random.uniform(0.3, 0.8), paint(random)
    s = np.linspace(0, np.pi * 0.8, 12)
    bow = np.stack([reach / 2 * (1 - np.cos(s)), 0 * s, height - 0.35 + 0.35 * np.sin(s)], axis=1)
    shade = [(0.02, 0.16), (0.15, 0.02), (0.15, 0.0), (0.14, 0.01)]
    head = moved([lathe(shade, paint(random, 0.3))], bow[-1] - (0, 0, 0.12))
    foot = [(0.0, 0.0), (0.16, 0.0), (0.16, 0.03), (0.012, 0.03), (0.012, height - 0.35)]
    return [lathe(foot, metal), tube(bow, 0.012, metal), *head]


VARIETY: dict[tuple[str, str], tuple[Maker, ...]] = {
    ('door', 'door'): (make_plain_door, make_plain_door, make_glazed_door, make_open_door),
    ('cabinet', 'wall'): (make_wardrobe, make_kitchen),
    ('shelf', 'wall'): (make_filled_shelf,),
    ('box', 'floor'): (make_carton, make_carton, make_storage_box),
    ('box', 'table'): (make_carton, make_storage_box),
    ('lamp', 'table'): (make_table_lamp,),
    ('lamp', 'floor'): (make_floor_lamp,),
}


def makers(label: str | None, place: str) -> tuple[Maker, ...]:
    """Return the makers of new models of a class for a place, or none."""
    known = (GENERATORS[label],) if label in GENERATORS and place != 'hung' else ()
    return known + VARIETY.get((label or '', place), ())
