"""Read Wavefront OBJ models and their materials."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Material:
    """Surface of one group of faces.

    Attributes:
        rgba: Diffuse colour and opacity, in [0, 1].
        texture: File name of the colour texture, as the material library gives it.
    """

    rgba: tuple[float, float, float, float] = (0.7, 0.7, 0.7, 1.0)
    texture: str | None = None


@dataclass(frozen=True)
class Group:
    """The triangles of one material.

    Attributes:
        vertices: Positions, shape (V, 3).
        texcoords: Texture coordinates, bottom left origin, shape (V, 2).
        faces: Vertex indices of the triangles, shape (F, 3).
        material: Surface of all faces.
    """

    vertices: NDArray[np.float64]
    texcoords: NDArray[np.float64]
    faces: NDArray[np.int64]
    material: Material


def parse_materials(text: str) -> dict[str, Material]:
    """Parse a material library (``.mtl``): diffuse colour, opacity and colour texture."""
    materials: dict[str, Material] = {}
    name = ''
    for words in (line.split() for line in text.splitlines()):
        if len(words) < 2:
            continue
        key, values = words[0], words[1:]
        if key == 'newmtl':
            name = ' '.join(values)
            materials[name] = Material()
        elif name:
            materials[name] = _with_property(materials[name], key, values)
    return materials


def _with_property(material: Material, key: str, values: list[str]) -> Material:
    """Return ``material`` changed by one line of a material library."""
    red, green, blue, alpha = material.rgba
    if key == 'Kd' and len(values) >= 3:
        red, green, blue = (min(max(float(value), 0.0), 1.0) for value in values[:3])
    elif key == 'd':
        alpha = min(max(float(values[-1]), 0.0), 1.0)
    elif key == 'map_Kd':
        return Material(material.rgba, values[-1])
    return Material((red, green, blue, alpha), material.texture)


def parse_obj(text: str, read_library: Callable[[str], str]) -> list[Group]:
    """Parse an OBJ file into one group per material.

    Args:
        text: Content of the file.
        read_library: Returns the content of a material library by its name.

    Returns:
        The groups that have at least one triangle. Polygons are split into fans.
    """
    positions: list[list[float]] = []
    texcoords: list[list[float]] = []
    materials: dict[str, Material] = {}
    corners: dict[str, list[tuple[int, int]]] = defaultdict(list)
    current = ''
    for line in text.splitlines():
        key, _, rest = line.strip().partition(' ')
        if key == 'v':
            positions.append([float(value) for value in rest.split()[:3]])
        elif key == 'vt':
            texcoords.append([float(value) for value in rest.split()[:2]])
        elif key == 'f':
            polygon = [_corner(word, len(positions), len(texcoords)) for word in rest.split()]
            for second, third in pairwise(polygon[1:]):
                corners[current] += [polygon[0], second, third]
        elif key == 'usemtl':
            current = rest.strip()
        elif key == 'mtllib':
            materials.update(parse_materials(read_library(rest.strip())))
    return [
        _group(np.array(positions), np.array([*texcoords, [0.0, 0.0]]), indices, material)
        for indices, material in (
            (np.array(pairs), materials.get(name, Material())) for name, pairs in corners.items()
        )
    ]


def _corner(word: str, position_count: int, texcoord_count: int) -> tuple[int, int]:
    """Return the 0-based position and texture indices of one corner; -1 is no texture."""
    parts = word.split('/')
    position = int(parts[0])
    texcoord = int(parts[1]) if len(parts) > 1 and parts[1] else 0
    return (
        position - 1 if position > 0 else position_count + position,
        texcoord - 1 if texcoord >= 0 else texcoord_count + texcoord,
    )


def _group(
    positions: NDArray[np.float64],
    texcoords: NDArray[np.float64],
    corners: NDArray[np.int64],
    material: Material,
) -> Group:
    """Return a group whose vertices are the distinct corners, shape (C, 2), of its faces."""
    distinct, inverse = np.unique(corners, axis=0, return_inverse=True)
    faces = inverse.reshape(-1, 3)
    return Group(positions[distinct[:, 0]], texcoords[distinct[:, 1]], faces, material)
