"""Procedural textures: floors, walls, fabrics, pictures and screen contents."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Colour = tuple[float, float, float]
SIDE = 256  # px, of every texture


def random_colour(random: Generator, saturation: float, low: float, high: float) -> Colour:
    """Return an RGB colour in [0, 1].

    Args:
        random: Source of randomness.
        saturation: Largest saturation, in [0, 1].
        low: Smallest brightness, in [0, 1].
        high: Largest brightness, in [0, 1].
    """
    hue = random.choice([random.random(), random.normal(0.09, 0.04) % 1.0])
    strength = saturation * random.random() ** float(random.choice([1.0, 4.0, 8.0]))
    return colorsys.hsv_to_rgb(hue, strength, random.uniform(low, high))


def noise(random: Generator, cells_high: int, cells_wide: int) -> NDArray[np.float32]:
    """Return smooth noise in [0, 1] with the given number of cells, shape (SIDE, SIDE)."""
    coarse = random.random((cells_high, cells_wide), dtype=np.float32)
    smooth = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 1).astype(np.float32)


def _shade(colour: Colour, brightness: NDArray[np.floating]) -> Image:
    """Return ``colour`` times a brightness map, as an image."""
    shaded = brightness[..., None] * np.array(colour) * 255
    return np.asarray(np.clip(shaded, 0, 255), np.uint8)


def plaster(random: Generator) -> Image:
    """Return a wall with faint stains and grain."""
    stains = noise(random, 3, 3) * random.uniform(0, 0.12)
    grain = random.random((SIDE, SIDE)) * random.uniform(0, 0.08)
    return _shade(random_colour(random, 0.45, 0.45, 1.0), 0.95 + stains - grain)


def wood(random: Generator, planks: int | None = None) -> Image:
    """Return planks with grain along the width; none, a few or many planks."""
    planks = int(random.choice([1, 4, 6, 8])) if planks is None else planks
    colour = colorsys.hsv_to_rgb(
        random.uniform(0.04, 0.12), random.uniform(0.1, 0.75), random.uniform(0.2, 0.95)
    )
    grain = noise(random, 90, 4) * 0.25 + noise(random, 24, 3) * 0.2
    brightness = 0.75 + grain
    height = SIDE // planks
    for plank in range(planks):
        rows = slice(plank * height, (plank + 1) * height)
        brightness[rows] = np.roll(brightness[rows], int(random.integers(SIDE)), axis=1)
        brightness[rows] *= random.uniform(0.8, 1.1)
        if planks > 1:
            brightness[plank * height] *= 0.5
            brightness[rows, int(random.integers(SIDE))] *= 0.5
    return _shade(colour, brightness)


def parquet(random: Generator) -> Image:
    """Return blocks of wood laid in alternating directions."""
    block = cv2.resize(wood(random, 4), (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA)
    turned = np.rot90(block)
    pair = np.concatenate(
        [np.concatenate([block, turned], axis=1), np.concatenate([turned, block], axis=1)]
    )
    return np.tile(pair, (2, 2, 1))


def tiles(random: Generator) -> Image:
    """Return square tiles of one or two colours with joints."""
    count = int(random.choice([2, 4, 8]))
    size = SIDE // count
    first, second = (random_colour(random, 0.4, 0.25, 1.0) for _ in range(2))
    is_checkered = random.random() < 0.35
    image = np.empty((SIDE, SIDE, 3), np.float64)
    for row in range(count):
        for column in range(count):
            colour = second if is_checkered and (row + column) % 2 else first
            cell = image[row * size : (row + 1) * size, column * size : (column + 1) * size]
            cell[:] = np.array(colour) * random.uniform(0.93, 1.0)
    joint = random.uniform(0.4, 1.1)
    image[::size], image[:, ::size] = image[::size] * joint, image[:, ::size] * joint
    return np.clip(image * 255 * (0.92 + 0.08 * noise(random, 9, 9)[..., None]), 0, 255).astype(
        np.uint8
    )


def bricks(random: Generator) -> Image:
    """Return a brick wall, painted or bare."""
    colour = random_colour(random, 0.8, 0.35, 0.95)
    brightness = 0.8 + 0.2 * noise(random, 40, 40)
    rows, columns = 12, 4
    height, width = SIDE // rows, SIDE // columns
    for row in range(rows + 1):
        brightness[row * height : row * height + 2] = 0.6
        for column in range(columns):
            x = column * width + (row % 2) * width // 2
            brightness[row * height : (row + 1) * height, x : x + width] *= random.uniform(0.8, 1)
            brightness[row * height : (row + 1) * height, x : x + 2] = 0.6
    return _shade(colour, brightness)


def stripes(random: Generator) -> Image:
    """Return wallpaper or fabric with upright stripes."""
    first, second = (np.array(random_colour(random, 0.6, 0.3, 1.0)) for _ in range(2))
    wave = np.sin(np.arange(SIDE) / SIDE * 2 * np.pi * random.choice([4, 8, 16, 24]))
    mix = (wave > random.uniform(-0.6, 0.6)).astype(float)[None, :, None]
    image = (first * mix + second * (1 - mix)) * (0.94 + 0.06 * noise(random, 60, 60)[..., None])
    return np.asarray(np.clip(image, 0, 1) * 255, np.uint8)


def carpet(random: Generator) -> Image:
    """Return a fabric with thread noise and sometimes coarse blotches."""
    threads = random.random((SIDE, SIDE)) * random.uniform(0.1, 0.4)
    blotches = noise(random, 8, 8) * random.uniform(0, 0.4)
    return _shade(random_colour(random, 0.8, 0.2, 1.0), 0.7 + threads + blotches - 0.2)


def picture(random: Generator) -> Image:
    """Return an abstract painting: a gradient with shapes, in a frame."""
    top, bottom = (np.array(random_colour(random, 0.9, 0.1, 1.0)) * 255 for _ in range(2))
    ramp = np.linspace(0, 1, SIDE)[:, None, None]
    image = np.ascontiguousarray(np.broadcast_to(top + (bottom - top) * ramp, (SIDE, SIDE, 3)))
    for _ in range(int(random.integers(2, 18))):
        colour = [255 * value for value in random_colour(random, 1.0, 0.0, 1.0)]
        centre = random.integers(0, SIDE, 2).tolist()
        axes = random.integers(4, 90, 2).tolist()
        if random.random() < 0.5:
            cv2.ellipse(image, centre, axes, float(random.uniform(0, 180)), 0, 360, colour, -1)
        else:
            corner = [centre[0] + axes[0], centre[1] + axes[1]]
            cv2.rectangle(image, centre, corner, colour, int(random.choice([-1, 3])))
    border = int(random.choice([0, 6, 14, 24]))
    if border:
        frame = [255 * value for value in random_colour(random, 0.5, 0.0, 1.0)]
        cv2.rectangle(image, (0, 0), (SIDE - 1, SIDE - 1), frame, border)
    return np.asarray(image).astype(np.uint8)


def screen_content(random: Generator) -> Image:
    """Return what a screen shows: nothing, a picture, or windows with lines of text."""
    kind = random.random()
    if kind < 0.35:
        return _shade(random_colour(random, 0.2, 0.01, 0.12), np.ones((SIDE, SIDE)))
    image = picture(random)
    for _ in range(int(random.integers(1, 4)) if kind > 0.6 else 0):
        left, top = random.integers(0, 150, 2).tolist()
        width, height = random.integers(60, 220, 2).tolist()
        paper = int(random.choice([20, 245]))
        cv2.rectangle(image, (left, top), (left + width, top + height), [paper] * 3, -1)
        for row in range(top + 8, top + height, 8):
            end = left + 5 + int(width * random.uniform(0.2, 0.9))
            cv2.line(image, (left + 5, row), (end, row), [130] * 3, 2)
    return image


FLOORS: tuple[Callable[[Generator], Image], ...] = (wood, parquet, tiles, carpet, plaster)
WALLS: tuple[Callable[[Generator], Image], ...] = (
    plaster, plaster, plaster, plaster, plaster, plaster, stripes, stripes, bricks, tiles, wood,
)  # fmt: skip
