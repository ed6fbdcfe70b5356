"""Colours that are easy to tell apart."""

from __future__ import annotations

import colorsys
from functools import cache

GOLDEN_RATIO = 0.618033988749895
SHADES = ((0.85, 1.0), (0.65, 0.85), (1.0, 0.7))  # saturation and value, taken in turn

Color = tuple[int, int, int]  # red, green, blue in [0, 255]


@cache
def make_palette(count: int) -> tuple[Color, ...]:
    """Return so many colours: neighbours differ much, and more colours never change the first."""
    return tuple(_color(index) for index in range(count))


def _color(index: int) -> Color:
    hue = index * GOLDEN_RATIO % 1.0
    saturation, value = SHADES[index % len(SHADES)]
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue
