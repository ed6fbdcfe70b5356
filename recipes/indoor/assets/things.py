"""Random things that stand on tables and floors, for classes that the catalogues are thin in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from recipes.indoor.assets.furniture import make_cabinet, make_door, make_shelf, make_table
from recipes.indoor.assets.models import Part
from recipes.indoor.assets.primitives import WHITE, box, lathe, paint, shaded, tube, turned
from recipes.indoor.assets.textures import picture, screen_content


def make_screen(random: Generator) -> list[Part]:
    """Return a monitor or television on a stand."""
    width = random.uniform(0.35, 1.2)
    height = width / random.choice([1.25, 1.33, 1.6, 1.78, 1.78, 2.3])
    bezel, thick = random.uniform(0.005, 0.035), random.uniform(0.015, 0.06)
    lift, x = random.uniform(0.04, 0.18), width / 2
    case = paint(random, 0.02, random.choice([0.15, 0.9]))
    shown = box((-x + bezel, -thick / 2 - 0.002, lift + bezel),
                (x - bezel, -thick / 2, lift + height - bezel), WHITE,
                screen_content(random), random.uniform(0.1, 0.8))  # fmt: skip
    foot, depth = width * random.uniform(0.15, 0.35), random.uniform(0.06, 0.12)
    return [
        box((-x, -thick / 2, lift), (x, thick / 2, lift + height), case),
        shown,
        box((-foot, -depth, 0), (foot, depth, 0.012), case),
        box((-foot / 3, thick / 2 - 0.01, 0), (foot / 3, thick / 2 + 0.02, lift + height / 2),
            case),
    ]  # fmt: skip


def make_laptop(random: Generator) -> list[Part]:
    """Return an open laptop: keys on the base, a picture on the lid."""
    width, depth = random.uniform(0.28, 0.4), random.uniform(0.2, 0.27)
    x, y, thick = width / 2, depth / 2, random.uniform(0.012, 0.025)
    case, keys = paint(random), paint(random, 0.02, 0.3)
    parts = [box((-x, -y, 0), (x, y, thick), case)]
    pitch = width * 0.9 / 12
    for row in range(5):
        for column in range(12):
            left, front = -x * 0.9 + column * pitch, row * pitch
            parts.append(box((left, front - depth * 0.1, thick),
                             (left + pitch * 0.8, front - depth * 0.1 + pitch * 0.8,
                              thick + 0.002), keys))  # fmt: skip
    angle, pivot = -random.uniform(0.0, 0.6), (0, y, thick)
    lid = box((-x, y - 0.008, thick), (x, y, thick + depth), case)
    low, high = (-x + 0.01, y - 0.0095, thick + 0.012), (x - 0.01, y - 0.008, thick + depth - 0.01)
    shown = box(low, high, WHITE, screen_content(random), random.uniform(0.1, 0.8))
    return parts + [turned(part, 0, angle, pivot) for part in (lid, shown)]


def make_box(random: Generator) -> list[Part]:
    """Return a carton: plain with tape, printed, or open."""
    size = random.uniform(0.07, 0.3, 3) * random.choice([1.0, 1.5])
    x, y, z = size[0], size[1], size[2] * 1.4
    card = (*np.array([0.72, 0.55, 0.36]) * random.uniform(0.6, 1.2), 1.0)
    kind = random.random()
    if kind < 0.4:
        return [box((-x, -y, 0), (x, y, z), WHITE, picture(random))]
    rgba = card if random.random() < 0.7 else paint(random)
    parts = [box((-x, -y, 0), (x, y, z), rgba)]
    if kind < 0.7:
        low, high = (-x * 0.15, -y - 0.001, z * 0.6), (x * 0.15, y + 0.001, z + 0.001)
        return [*parts, box(low, high, paint(random, 0.4))]
    inside = shaded(rgba, 0.35)
    parts.append(box((-x * 0.96, -y * 0.96, z), (x * 0.96, y * 0.96, z + 0.001), inside))
    for side in (-1, 1):
        flap = box((-x, y * side - 0.002, z), (x, y * side + 0.002, z + y), rgba)
        parts.append(turned(flap, 0, -side * random.uniform(0.3, 2.0), (0, y * side, z)))
    return parts


def make_bin(random: Generator) -> list[Part]:
    """Return a waste bin: tapered, open or with a lid."""
    height, top = random.uniform(0.25, 0.75), random.uniform(0.11, 0.22)
    bottom, segments = top * random.uniform(0.6, 1.0), int(random.choice([4, 8, 32]))
    wall = 0.96
    outside = [(0.0, 0.0), (bottom, 0.0), (top, height)]
    if random.random() < 0.4:
        lid = [(top * 1.05, height), (top * 1.05, height * 1.04), (top * 0.5, height * 1.15),
               (0.0, height * 1.17)]  # fmt: skip
        return [lathe(outside, paint(random), segments), lathe(lid, paint(random), segments)]
    inside = [(top * wall, height), (bottom * wall, 0.03), (0.0, 0.03)]
    return [lathe(outside + inside, paint(random), segments)]


def make_bottle(random: Generator) -> list[Part]:
    """Return a bottle with neck, cap and label."""
    height, radius = random.uniform(0.12, 0.34), random.uniform(0.022, 0.05)
    neck, shoulder = radius * random.uniform(0.25, 0.7), height * random.uniform(0.55, 0.8)
    rim, rgba = height * random.uniform(0.85, 0.95), paint(random)
    bend = shoulder + (rim - shoulder) * random.uniform(0.1, 0.6)
    opacity = random.choice([1.0, 1.0, 0.75])
    waist = ((radius + neck) / 2, (shoulder + bend) / 2)
    profile = [(0.0, 0.0), (radius * 0.95, 0.0), (radius, 0.01), (radius, shoulder), waist,
               (neck, bend), (neck, rim)]  # fmt: skip
    parts = [
        lathe(profile, (*rgba[:3], opacity)),
        lathe([(neck * 1.1, rim), (neck * 1.1, height), (0.0, height)], paint(random)),
    ]
    if random.random() < 0.6:
        label = radius * 1.01
        parts.append(lathe([(label, shoulder * 0.25), (label, shoulder * 0.8)], paint(random)))
    return parts


def make_cup(random: Generator) -> list[Part]:
    """Return a mug, cup or tumbler."""
    height, top = random.uniform(0.06, 0.14), random.uniform(0.03, 0.05)
    bottom, rgba = top * random.uniform(0.6, 1.0), paint(random)
    profile = [(0.0, 0.0), (bottom, 0.0), (top, height), (top * 0.9, height),
               (bottom * 0.88, 0.006), (0.0, 0.006)]  # fmt: skip
    parts = [lathe(profile, rgba)]
    if random.random() < 0.7:
        angles = np.linspace(-np.pi / 2, np.pi / 2, 12)
        reach, rise, middle = height * 0.3, height * 0.33, (top + bottom) / 2 * 0.95
        handle = np.stack([middle + reach * np.cos(angles), 0 * angles,
                           height / 2 + rise * np.sin(angles)], axis=1)  # fmt: skip
        parts.append(tube(handle, random.uniform(0.004, 0.007), rgba))
    return parts


def make_bowl(random: Generator) -> list[Part]:
    """Return an open bowl or dish."""
    radius = random.uniform(0.06, 0.17)
    height, power = radius * random.uniform(0.35, 1.0), random.uniform(0.4, 1.0)
    foot = random.uniform(0.3, 0.6)
    steps = np.linspace(0, 1, 10)
    outer = [(radius * (foot + (1 - foot) * step**power), height * step) for step in steps]
    inner = [(r * 0.94, z * 0.94 + height * 0.06) for r, z in reversed(outer)]
    return [lathe([(0.0, 0.0), *outer, *inner, (0.0, height * 0.06)], paint(random, 0.2))]


def make_vase(random: Generator) -> list[Part]:
    """Return a vase with a random smooth outline."""
    height, radius = random.uniform(0.15, 0.5), random.uniform(0.05, 0.11)
    phase, waves = random.uniform(0, 2 * np.pi), random.uniform(0.4, 1.2)
    steps = np.linspace(0, 1, 24)
    radii = radius * (1 + random.uniform(0.1, 0.55) * np.sin(phase + 2 * np.pi * waves * steps))
    outer = list(zip(radii.tolist(), (steps * height).tolist(), strict=True))
    rim, bottom = radii[-1] * 0.88, radii[0] * 0.5
    return [lathe([(0.0, 0.0), *outer, (rim, height), (bottom, height * 0.3), (0.0, height * 0.3)],
                  paint(random))]  # fmt: skip


GENERATORS: dict[str, Callable[[Generator], list[Part]]] = {
    'table': make_table,
    'cabinet': make_cabinet,
    'shelf': make_shelf,
    'door': make_door,
    'screen': make_screen,
    'laptop': make_laptop,
    'box': make_box,
    'bin': make_bin,
    'bottle': make_bottle,
    'cup': make_cup,
    'bowl': make_bowl,
    'vase': make_vase,
}
