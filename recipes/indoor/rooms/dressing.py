"""Dress rooms and what is in them with photographs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.assets.models import Part
from recipes.indoor.assets.photos import Image, Photos

WINDOW, PICTURE = 'Window', 'Picture'  # titles of what photographs show in
SHELL_SHARE = 0.7  # of floors and walls show photographs
PICTURE_SHARE = 0.7  # of pictures, windows and screens
GRAIN_SHARE = 0.6  # of models whose plain parts get the grain of a surface
OBLIQUE = np.array([(1.0, 0.6, 0.0), (0.0, 0.6, 1.0)])  # no wall, floor or top is along both


def dress_shell(parts: list[Part], photos: Photos, random: Generator) -> list[Part]:
    """Return floor, ceiling, walls and what follows them with photographed surfaces."""
    floor, ceiling, *rest = parts
    if random.random() < SHELL_SHARE:
        floor = retiled(floor, photos.surface('floor', random), random.uniform(0.7, 1.6))
    if random.random() < SHELL_SHARE:
        wall, factor = photos.surface('wall', random), random.uniform(0.5, 1.2)
        rest = [part if part.texture is None else retiled(part, wall, factor) for part in rest]
    return [floor, ceiling, *rest]


def retiled(part: Part, texture: Image, factor: float) -> Part:
    """Return a part with another texture, repeated ``factor`` times as often."""
    texcoords = None if part.texcoords is None else part.texcoords * np.float32(factor)
    return replace(part, texture=texture, texcoords=texcoords)


def dress_model(
    parts: tuple[Part, ...], title: str, photos: Photos, random: Generator
) -> tuple[Part, ...]:
    """Return the parts of one model with photographs where they fit.

    Args:
        parts: The parts.
        title: Title of the model, which tells windows and pictures.
        photos: Photographs to draw from.
        random: Source of randomness.
    """
    shows = random.random() < PICTURE_SHARE
    grain = photos.detail(random) if random.random() < GRAIN_SHARE else None
    density = np.float32(random.uniform(0.8, 2.5))
    dressed = []
    for part in parts:
        if part.texture is not None and shows and (part.emission > 0 or title == PICTURE):
            image = photos.view(random) if title == WINDOW else photos.picture(random)
            dressed.append(replace(part, texture=image))
        elif part.texture is None and grain is not None and part.rgba[3] == 1.0:
            texcoords = oblique_coordinates(part.vertices) * density
            dressed.append(replace(part, texture=grain, texcoords=texcoords))
        else:
            dressed.append(part)
    return tuple(dressed)


def oblique_coordinates(vertices: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return texture coordinates in metres for points on any upright or level face."""
    return np.asarray(vertices @ OBLIQUE.T, np.float32)
