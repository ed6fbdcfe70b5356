"""Object models as the renderer needs them, and the compact files that hold them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.lib.npyio import NpzFile
    from numpy.typing import NDArray

QUANTA = 65535  # steps along the longest side of a part's bounding box


@dataclass(frozen=True)
class Part:
    """Triangles of one colour or texture.

    Attributes:
        vertices: Positions in metres: x right, y back, z up, shape (V, 3).
        faces: Vertex indices, shape (F, 3).
        rgba: Colour and opacity in [0, 1]; it tints the texture where there is one.
        texcoords: Texture coordinates, bottom left origin, shape (V, 2).
        texture: RGB image, shape (H, W, 3) uint8.
        emission: Light of its own, as a fraction of its colour.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    rgba: tuple[float, float, float, float]
    texcoords: NDArray[np.float32] | None = None
    texture: NDArray[np.uint8] | None = None
    emission: float = 0.0


@dataclass(frozen=True)
class ModelInfo:
    """What the index says of one model.

    Attributes:
        key: Unique name, and stem of the model's file.
        label: Class name; None for unlabelled clutter.
        split: ``train``, ``val`` or ``test``.
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


def load_model(path: Path) -> Model:
    """Read a model that :func:`save_model` wrote."""
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
