"""Object models as the renderer needs them, their compact files, and packs of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.random import Generator
from numpy.typing import NDArray

QUANTA = 65535  # steps along the longest side of a part's bounding box
TOP_CELLS = 24
TOP_TOLERANCE = 0.015  # m
TOP_SAMPLES = 40000  # points on the surface of a part, from which its heights are taken
CLUTTER_WEIGHT = 1.5


@dataclass(frozen=True)
class Part:
    """Triangles of one colour or texture.

    Attributes:
        vertices: Positions in metres: x right, y back, z up, shape (V, 3).
        faces: Vertex indices, shape (F, 3).
        rgba: Colour and opacity in [0, 1]; it tints the texture where there is one.
        texcoords: Texture coordinates, bottom left origin, shape (V, 2).
        texture: RGB image, shape (H, W, 3) uint8.
        emission: Light that the part gives off, as a fraction of its colour.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    rgba: tuple[float, float, float, float]
    texcoords: NDArray[np.float32] | None = None
    texture: NDArray[np.uint8] | None = None
    emission: float = 0.0


@dataclass(frozen=True)
class ModelInfo:
    """What the index says about one model.

    Attributes:
        key: Unique name, and stem of the model's file.
        label: Class name; None for unlabelled clutter.
        split: ``train``, ``val`` or ``test``, or ``any`` for models that all splits share.
        places: Where it may stand: floor, wall, table, door, hung or ceiling.
        size: Width, depth and height in metres.
        elevation: Height of its lowest point above the floor in metres, for hung models.
        title: Name for people.
        creator: Author.
        licence: SPDX identifier.
    """

    key: str
    label: str | None
    split: str
    places: tuple[str, ...]
    size: tuple[float, float, float]
    elevation: float
    title: str
    creator: str
    licence: str


@dataclass(frozen=True)
class Model:
    """Geometry of one model and the flat top that smaller things can stand on.

    Attributes:
        parts: Triangles by material.
        top_height: Height of the flat top in metres; 0 where there is none.
        top: Which cells of a regular grid over the footprint belong to the flat top,
            rows along y, columns along x, shape (G, G).
    """

    parts: tuple[Part, ...]
    top_height: float
    top: NDArray[np.bool_]


def join_vertices(parts: Iterable[Part]) -> NDArray[np.float32]:
    """Return the vertices of all parts, in metres, shape (N, 3)."""
    return np.concatenate([part.vertices for part in parts])


def with_top(parts: list[Part]) -> Model:
    """Return the model of ``parts`` with the largest level area that is open to above."""
    points = np.concatenate([_sample_surface(part) for part in parts])
    low, span = points.min(axis=0), np.ptp(points, axis=0) + 1e-6
    cells = ((points - low) / span * TOP_CELLS).astype(int)[:, :2]
    heights = np.full((TOP_CELLS, TOP_CELLS), -np.inf)  # of the highest point over each cell
    np.maximum.at(heights, (cells[:, 1], cells[:, 0]), points[:, 2])
    levels = np.round(heights[np.isfinite(heights)] / TOP_TOLERANCE)
    values, counts = np.unique(levels, return_counts=True)
    level = values[counts.argmax()] * TOP_TOLERANCE
    return Model(tuple(parts), float(level), np.abs(heights - level) <= TOP_TOLERANCE)


def _sample_surface(part: Part) -> NDArray[np.float64]:
    """Return points spread evenly over the triangles, in metres, shape (TOP_SAMPLES, 3)."""
    corners = part.vertices[part.faces].astype(float)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas = np.linalg.norm(np.cross(first, second), axis=1)
    random = np.random.default_rng(0)
    chosen = random.choice(len(areas), TOP_SAMPLES, p=areas / areas.sum())
    weights = random.random((TOP_SAMPLES, 2))
    weights = np.where(weights.sum(axis=1, keepdims=True) > 1, 1 - weights, weights)
    offsets = weights[:, :1] * first[chosen] + weights[:, 1:] * second[chosen]
    return np.asarray(corners[chosen, 0] + offsets)


def save_model(path: Path, model: Model) -> None:
    """Write a model with 16 bit coordinates and JPEG textures."""
    arrays: dict[str, Any] = {
        'top_height': np.float32(model.top_height),
        'top': model.top,
        'look': np.array([(*part.rgba, part.emission) for part in model.parts], np.float32),
    }
    for number, part in enumerate(model.parts):
        low = part.vertices.min(axis=0)
        step = max(float(np.ptp(part.vertices, axis=0).max()), 1e-6) / QUANTA
        index_type = np.uint16 if len(part.vertices) <= QUANTA else np.uint32
        arrays[f'frame_{number}'] = np.array([*low, step], np.float32)
        arrays[f'vertices_{number}'] = np.round((part.vertices - low) / step).astype(np.uint16)
        arrays[f'faces_{number}'] = part.faces.astype(index_type)
        if part.texture is not None and part.texcoords is not None:
            _, jpeg = cv2.imencode('.jpg', part.texture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
            arrays[f'texture_{number}'] = jpeg
            arrays[f'texcoords_{number}'] = part.texcoords.astype(np.float16)
    np.savez_compressed(path, **arrays)


@lru_cache(maxsize=200)
def load_model(path: Path) -> Model:
    """Read a model that :func:`save_model` wrote; the most recent ones stay in memory."""
    with np.load(path) as arrays:
        parts = tuple(_load_part(arrays, number) for number in range(len(arrays['look'])))
        return Model(parts, float(arrays['top_height']), arrays['top'])


def _load_part(arrays: NpzFile, number: int) -> Part:
    """Return one part of the open model file."""
    *low, step = arrays[f'frame_{number}'].tolist()
    vertices = (arrays[f'vertices_{number}'] * step + np.array(low)).astype(np.float32)
    red, green, blue, alpha, emission = arrays['look'][number].tolist()
    texcoords = texture = None
    if f'texture_{number}' in arrays:
        texcoords = arrays[f'texcoords_{number}'].astype(np.float32)
        bgr = np.asarray(cv2.imdecode(arrays[f'texture_{number}'], cv2.IMREAD_COLOR))
        texture = np.ascontiguousarray(bgr[..., ::-1], np.uint8)
    faces = arrays[f'faces_{number}'].astype(np.int32)
    return Part(vertices, faces, (red, green, blue, alpha), texcoords, texture, emission)


def save_index(folder: Path, weights: dict[str, float], infos: list[ModelInfo]) -> None:
    """Write ``index.json``: the classes in order, how often to draw each, and all models."""
    index = {'weights': weights, 'models': [asdict(info) for info in infos]}
    (folder / 'index.json').write_text(json.dumps(index, indent=1) + '\n')


def load_index(folder: Path) -> tuple[dict[str, float], list[ModelInfo]]:
    """Read the weights by class name and the models that :func:`save_index` wrote."""
    index = json.loads((folder / 'index.json').read_text())
    infos = [
        ModelInfo(**{**fields, 'places': tuple(fields['places']), 'size': tuple(fields['size'])})
        for fields in index['models']
    ]
    return index['weights'], infos


class ModelPack:
    """The models of one split, and the clutter that all splits share.

    Args:
        folder: Folder of the pack, which holds ``index.json`` and ``models``.
        split: ``train``, ``val`` or ``test``.
    """

    def __init__(self, folder: Path, split: str) -> None:
        self.folder = folder
        self.weights, infos = load_index(folder)
        self.by_place: dict[str, dict[str | None, list[ModelInfo]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for info in infos:
            if info.split in (split, 'any'):
                for place in info.places:
                    self.by_place[place][info.label].append(info)

    @property
    def class_names(self) -> list[str]:
        """Names of the classes in class order."""
        return list(self.weights)

    def draw(self, place: str, random: Generator, label: str | None = None) -> ModelInfo | None:
        """Return a random model for a place, of one class or of any by the classes' weights."""
        by_label = self.by_place[place]
        if label is None:
            labels = list(by_label)
            if not labels:
                return None
            weights = np.array([self.weights.get(name or '', CLUTTER_WEIGHT) for name in labels])
            label = labels[int(random.choice(len(labels), p=weights / weights.sum()))]
        infos = by_label[label]
        return infos[int(random.integers(len(infos)))] if infos else None

    def load(self, info: ModelInfo) -> Model:
        """Return the geometry of a model."""
        return load_model(self.folder / 'models' / f'{info.key}.npz')
