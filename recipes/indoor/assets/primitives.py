"""Solids that generated models are made of: boxes, bodies of revolution and tubes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from recipes.indoor.assets.models import Part
from recipes.indoor.assets.textures import random_colour

Rgba = tuple[float, float, float, float]
WHITE: Rgba = (1.0, 1.0, 1.0, 1.0)

# Four corners of each face of the unit cube: left, right, front, back, bottom, top.
_CUBE = np.array(
    [
        [(0, 1, 0), (0, 0, 0), (0, 0, 1), (0, 1, 1)],
        [(1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1)],
        [(0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)],
        [(1, 1, 0), (0, 1, 0), (0, 1, 1), (1, 1, 1)],
        [(0, 1, 0), (1, 1, 0), (1, 0, 0), (0, 0, 0)],
        [(0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)],
    ]
)
_SQUARE = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])


def paint(random: Generator, low: float = 0.05, high: float = 1.0) -> Rgba:
    """Return an opaque random colour with brightness in [low, high]."""
    return (*random_colour(random, 0.9, low, high), 1.0)


def shaded(rgba: Rgba, brightness: float) -> Rgba:
    """Return an opaque colour made darker or, above 1, brighter."""
    red, green, blue = (min(1.0, brightness * value) for value in rgba[:3])
    return (red, green, blue, 1.0)


def box(
    low: ArrayLike,
    high: ArrayLike,
    rgba: Rgba,
    texture: NDArray[np.uint8] | None = None,
    emission: float = 0.0,
) -> Part:
    """Return the box between two corners in metres; a texture shows once on every face."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    vertices = low + _CUBE.reshape(-1, 3) * (high - low)
    faces = np.concatenate([[(4 * i, 4 * i + 1, 4 * i + 2), (4 * i, 4 * i + 2, 4 * i + 3)]
                            for i in range(6)])  # fmt: skip
    texcoords = None if texture is None else np.tile(_SQUARE, (6, 1)).astype(np.float32)
    return Part(
        vertices.astype(np.float32), faces.astype(np.int32), rgba, texcoords, texture, emission
    )


def sheet(
    corner: ArrayLike,
    along: ArrayLike,
    up: ArrayLike,
    texture: NDArray[np.uint8],
    texture_size: float,
) -> Part:
    """Return a rectangle, cut into cells so that light falls off over it.

    Args:
        corner: One corner in metres, shape (3,).
        along: Edge from the corner, in metres, shape (3,).
        up: The other edge from the corner, in metres, shape (3,).
        texture: RGB image that repeats over it.
        texture_size: Side of one repetition in metres.
    """
    corner, along, up = (np.asarray(value, float) for value in (corner, along, up))
    steps = np.linspace(0, 1, 17)
    s, t = (values.reshape(-1, 1) for values in np.meshgrid(steps, steps))
    lengths = np.array([np.linalg.norm(along), np.linalg.norm(up)]) / texture_size
    faces = _grid_faces(17, 17, is_closed=False)
    texcoords = (np.concatenate([s, t], axis=1) * lengths).astype(np.float32)
    return Part((corner + s * along + t * up).astype(np.float32), faces, WHITE, texcoords, texture)


def grid(
    points: NDArray[np.float64], rgba: Rgba, texture: NDArray[np.uint8] | None = None
) -> Part:
    """Return the surface through points in rows and columns, in metres, shape (R, C, 3).

    A texture shows once over all of it.
    """
    rows, columns = points.shape[:2]
    faces = _grid_faces(rows, columns, is_closed=False)
    s, t = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    texcoords = None if texture is None else np.stack([s.ravel(), t.ravel()], axis=1)
    return Part(
        points.reshape(-1, 3).astype(np.float32), faces, rgba,
        None if texcoords is None else texcoords.astype(np.float32), texture,
    )  # fmt: skip


def lathe(profile: Sequence[tuple[float, float]], rgba: Rgba, segments: int = 32) -> Part:
    """Return the body of revolution of a profile of (radius, height) pairs in metres."""
    radii, heights = np.array(profile).T
    angles = np.arange(segments) / segments * 2 * np.pi
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (S, 2)
    levels = np.broadcast_to(heights[:, None, None], (len(radii), segments, 1))
    points = np.concatenate([radii[:, None, None] * ring, levels], axis=2)
    return Part(points.reshape(-1, 3).astype(np.float32), _grid_faces(len(radii), segments), rgba)


def tube(path: ArrayLike, radius: float, rgba: Rgba, segments: int = 8) -> Part:
    """Return a tube around a path in metres, shape (N, 3), that lies in an upright plane."""
    points = np.asarray(path, float)
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along[0], points[-1] - points[len(points) // 2])
    side = side / max(float(np.linalg.norm(side)), 1e-9)
    up = np.cross(along, side)  # (N, 3)
    angles = np.arange(segments) / segments * 2 * np.pi
    rings = points[:, None] + radius * (
        np.cos(angles)[None, :, None] * side + np.sin(angles)[None, :, None] * up[:, None]
    )
    return Part(rings.reshape(-1, 3).astype(np.float32), _grid_faces(len(points), segments), rgba)


def turned(part: Part, axis: int, angle: float, pivot: ArrayLike) -> Part:
    """Return a part turned about a coordinate axis through ``pivot`` by ``angle`` radians."""
    first, second = (index for index in range(3) if index != axis)
    offset = part.vertices - np.asarray(pivot, np.float32)
    vertices = offset.copy()
    vertices[:, first] = np.cos(angle) * offset[:, first] - np.sin(angle) * offset[:, second]
    vertices[:, second] = np.sin(angle) * offset[:, first] + np.cos(angle) * offset[:, second]
    moved = (vertices + np.asarray(pivot)).astype(np.float32)
    return replace(part, vertices=moved)


def moved(parts: Iterable[Part], offset: ArrayLike) -> list[Part]:
    """Return parts moved by an offset in metres."""
    shift = np.asarray(offset, np.float32)
    return [replace(part, vertices=part.vertices + shift) for part in parts]


def standing(parts: list[Part]) -> list[Part]:
    """Return parts moved up or down so that their lowest point is at z = 0."""
    return moved(parts, (0, 0, -min(float(part.vertices[:, 2].min()) for part in parts)))


def _grid_faces(rows: int, columns: int, is_closed: bool = True) -> NDArray[np.int32]:
    """Return the triangles between ``rows`` rings, or open rows, of ``columns`` vertices each."""
    index = np.arange(rows * columns).reshape(rows, columns)
    following = np.roll(index, -1, axis=1)
    if not is_closed:
        index, following = index[:, :-1], following[:, :-1]
    a, b, c, d = index[:-1], following[:-1], following[1:], index[1:]
    lower, upper = np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)
    return np.concatenate([lower.reshape(-1, 3), upper.reshape(-1, 3)]).astype(np.int32)
