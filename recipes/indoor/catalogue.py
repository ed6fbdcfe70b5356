"""Furniture catalogues of Sweet Home 3D (``.sh3f`` archives): entries, sizes and licences."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from obj import Group, parse_obj

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LICENCES = {
    'BlendSwap-CC-0': 'CC0-1.0',
    'BlendSwap-CC-BY': 'CC-BY-3.0',
    'KatorLegaz': 'CC-BY-3.0-US',
    'Reallusion': 'CC-BY-3.0-US',
    'Scopia': 'CC-BY-3.0',
}


@dataclass(frozen=True)
class Entry:
    """One model of a catalogue.

    Attributes:
        archive: The ``.sh3f`` file that holds it.
        name: Name inside the catalogue, such as ``office_chair``.
        title: What people call it, such as ``Chair``.
        tags: Comma separated search words.
        creator: Author of the model.
        path: OBJ file inside the archive.
        size: Width, depth and height in metres.
        elevation: Height of its lowest point above the floor, in metres.
        rotation: Rotation of the model's own axes, shape (3, 3).
    """

    archive: Path
    name: str
    title: str
    tags: str
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


def read_catalogue(archive: Path) -> list[Entry]:
    """Read all entries of one ``.sh3f`` archive."""
    with zipfile.ZipFile(archive) as files:
        text = files.read('PluginFurnitureCatalog.properties').decode('latin-1')
    fields: dict[int, dict[str, str]] = defaultdict(dict)
    for field, number, value in re.findall(r'^(\w+)#(\d+)\s*=[ \t]*(.*?)\s*$', text, re.M):
        fields[int(number)][field] = value
    return [_entry(archive, values) for _, values in sorted(fields.items())]


def _entry(archive: Path, values: dict[str, str]) -> Entry:
    """Return the entry that the properties of one number describe; lengths are centimetres."""
    width, depth, height = (float(values[key]) / 100 for key in ('width', 'depth', 'height'))
    rotation = values.get('modelRotation', '1 0 0 0 1 0 0 0 1')
    return Entry(
        archive=archive,
        name=values['id'].split('#')[-1],
        title=values.get('name', ''),
        tags=values.get('tags', ''),
        creator=values.get('creator', ''),
        path=values['model'].lstrip('/'),
        size=(width, depth, height),
        elevation=float(values.get('elevation', 0)) / 100,
        rotation=np.array([float(value) for value in rotation.split()]).reshape(3, 3),
    )


def read_groups(entry: Entry) -> tuple[list[Group], dict[str, bytes]]:
    """Read the triangles of an entry in metres: x right, y back, z up, bottom at z = 0.

    Returns:
        The groups and the encoded textures they name, by file name.
    """
    folder = posixpath.dirname(entry.path)
    with zipfile.ZipFile(entry.archive) as files:
        names = set(files.namelist())

        def read(name: str) -> bytes:
            path = posixpath.normpath(posixpath.join(folder, name))
            return files.read(path) if path in names else b''

        groups = parse_obj(
            read(posixpath.basename(entry.path)).decode('latin-1'),
            lambda name: read(name).decode('latin-1'),
        )
        textures = {group.material.texture for group in groups} - {None}
        return _to_metres(groups, entry), {name: read(name) for name in textures if name}


def _to_metres(groups: list[Group], entry: Entry) -> list[Group]:
    """Turn OBJ axes (y up, z to the front) into ours and fit the catalogue's size."""
    turned = [(group.vertices @ entry.rotation.T) * (1, 1, -1) for group in groups]
    turned = [vertices[:, [0, 2, 1]] for vertices in turned]
    corners = np.array([[v.min(axis=0), v.max(axis=0)] for v in turned])
    low, high = corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)
    scale = np.array(entry.size) / np.maximum(high - low, 1e-9)
    origin = np.array([*(low + high)[:2] / 2, low[2]])
    return [
        Group((vertices - origin) * scale, group.texcoords, group.faces, group.material)
        for vertices, group in zip(turned, groups, strict=True)
    ]
