"""Furniture catalogues of Sweet Home 3D (``.sh3f`` archives) and the OBJ models in them."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FURNITURE = 'usr/share/sweethome3d/furniture'  # in the Debian package
LICENCES = {
    'BlendSwap-CC-0': 'CC0-1.0',
    'BlendSwap-CC-BY': 'CC-BY-3.0',
    'KatorLegaz': 'CC-BY-3.0-US',
    'Reallusion': 'CC-BY-3.0-US',
    'Scopia': 'CC-BY-3.0',
}


@dataclass(frozen=True)
class CatalogueModel:
    """One model of a catalogue.

    Attributes:
        archive: The ``.sh3f`` file that holds it.
        name: Name inside the catalogue, such as ``office_chair``.
        title: Name for people, such as ``Chair``.
        creator: Author of the model.
        path: OBJ file inside the archive.
        size: Width, depth and height in metres.
        elevation: Height of its lowest point above the floor, in metres.
        rotation: Rotation of the model's own axes, shape (3, 3).
    """

    archive: Path
    name: str
    title: str
    creator: str
    path: str
    size: tuple[float, float, float]
    elevation: float
    rotation: NDArray[np.float64]

    @property
    def key(self) -> str:
        """Name that no two models of all catalogues share."""
        return f'{self.archive.stem}_{self.name}'.replace('/', '_')

    @property
    def licence(self) -> str:
        """SPDX identifier of the licence of the catalogue."""
        return LICENCES[self.archive.stem]


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


def read_catalogues(deb_root: Path) -> dict[str, list[CatalogueModel]]:
    """Return the models of all catalogues of the unpacked Debian package, by their names."""
    by_name: dict[str, list[CatalogueModel]] = defaultdict(list)
    for archive in LICENCES:
        for model in read_catalogue(deb_root / FURNITURE / f'{archive}.sh3f'):
            by_name[model.name].append(model)
    return by_name


def read_catalogue(archive: Path) -> list[CatalogueModel]:
    """Read what one ``.sh3f`` archive says about its models; its lengths are centimetres."""
    with zipfile.ZipFile(archive) as files:
        text = files.read('PluginFurnitureCatalog.properties').decode('latin-1')
    fields: dict[int, dict[str, str]] = defaultdict(dict)
    for field, number, value in re.findall(r'^(\w+)#(\d+)\s*=[ \t]*(.*?)\s*$', text, re.M):
        fields[int(number)][field] = value
    models = []
    for _, values in sorted(fields.items()):
        width, depth, height = (float(values[key]) / 100 for key in ('width', 'depth', 'height'))
        rotation = values.get('modelRotation', '1 0 0 0 1 0 0 0 1').split()
        models.append(
            CatalogueModel(
                archive=archive,
                name=values['id'].split('#')[-1],
                title=values.get('name', ''),
                creator=values.get('creator', ''),
                path=values['model'].lstrip('/'),
                size=(width, depth, height),
                elevation=float(values.get('elevation', 0)) / 100,
                rotation=np.array([float(value) for value in rotation]).reshape(3, 3),
            )
        )
    return models


def read_groups(model: CatalogueModel) -> tuple[list[Group], dict[str, bytes]]:
    """Read the triangles of a model in metres: x right, y back, z up, bottom at z = 0.

    Returns:
        The groups and the encoded textures they name, by file name.
    """
    folder = posixpath.dirname(model.path)
    with zipfile.ZipFile(model.archive) as files:
        names = set(files.namelist())

        def read(name: str) -> bytes:
            path = posixpath.normpath(posixpath.join(folder, name))
            return files.read(path) if path in names else b''

        groups = parse_obj(
            read(posixpath.basename(model.path)).decode('latin-1'),
            lambda name: read(name).decode('latin-1'),
        )
        textures = {group.material.texture for group in groups} - {None}
        return _to_metres(groups, model), {name: read(name) for name in textures if name}


def _to_metres(groups: list[Group], model: CatalogueModel) -> list[Group]:
    """Turn OBJ axes (y up, z to the front) into ours and fit the catalogue's size."""
    turned = [(group.vertices @ model.rotation.T) * (1, 1, -1) for group in groups]
    turned = [vertices[:, [0, 2, 1]] for vertices in turned]
    corners = np.array([[v.min(axis=0), v.max(axis=0)] for v in turned])
    low, high = corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)
    scale = np.array(model.size) / np.maximum(high - low, 1e-9)
    origin = np.array([*(low + high)[:2] / 2, low[2]])
    return [
        replace(group, vertices=(vertices - origin) * scale)
        for vertices, group in zip(turned, groups, strict=True)
    ]


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
    """Parse a Wavefront OBJ file into one group per material.

    Args:
        text: Content of the file.
        read_library: Function that returns the content of a material library by its name.

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
    points, texture_points = np.array(positions), np.array([*texcoords, [0.0, 0.0]])
    return [
        _group(points, texture_points, np.array(pairs), materials.get(name, Material()))
        for name, pairs in corners.items()
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
