"""Make small, clean models of the meshes of the catalogues."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import cv2
import fast_simplification
import numpy as np
from numpy.typing import NDArray

from recipes.indoor.assets.catalogue import Group
from recipes.indoor.assets.models import Model, Part, join_vertices, with_top

TEXTURE_SIDE = 256  # px
MAX_PARTS = 14


def groups_to_model(groups: list[Group], textures: dict[str, bytes], max_faces: int) -> Model:
    """Turn the groups of a catalogue model into a clean model of at most about ``max_faces``."""
    images = {name: _decode(data) for name, data in textures.items()}
    parts = []
    for group in groups:
        image = images.get(group.material.texture or '')
        if image is not None and image.shape[2] == 4:
            group = _cut_transparent(group, image)
        if not len(group.faces):
            continue
        part = _group_to_part(group, image)
        if part.rgba[3] > 0.02:
            parts.append(part)
    parts = _merge(parts)
    count = sum(len(part.faces) for part in parts)
    if count > max_faces:
        parts = [decimate(part, max_faces / count) for part in parts]
    return with_top([part for part in map(clean, parts) if len(part.faces)])


def _decode(data: bytes) -> NDArray[np.uint8] | None:
    """Return an RGB or RGBA texture, at most ``TEXTURE_SIDE`` wide and high, or None."""
    if not data:
        return None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        return None
    image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image
    scale = TEXTURE_SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image[..., [2, 1, 0, 3][: image.shape[2]]]).astype(np.uint8)


def _group_to_part(group: Group, image: NDArray[np.uint8] | None) -> Part:
    """Return the part of a group; where it has a texture its colour is that of the texture."""
    vertices, faces = group.vertices.astype(np.float32), group.faces.astype(np.int32)
    if image is None:
        return Part(vertices, faces, group.material.rgba)
    rgba = (1.0, 1.0, 1.0, group.material.rgba[3])
    texcoords = np.clip(group.texcoords - np.floor(group.texcoords.min(axis=0)), 0, 1000)
    return Part(vertices, faces, rgba, texcoords.astype(np.float32), image[..., :3])


def _cut_transparent(group: Group, image: NDArray[np.uint8], rounds: int = 2) -> Group:
    """Split triangles in four, ``rounds`` times, and drop those the texture makes invisible."""
    corners = np.concatenate([group.vertices, group.texcoords], axis=1)[group.faces]  # (F, 3, 5)
    for _ in range(rounds if len(group.faces) < 4000 else 0):
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        quarters = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        corners = np.concatenate([np.stack(quarter, axis=1) for quarter in quarters])
    centres = corners[..., 3:].mean(axis=1) % 1.0
    height, width = image.shape[:2]
    rows = ((1 - centres[:, 1]) * (height - 1)).astype(int)
    columns = (centres[:, 0] * (width - 1)).astype(int)
    kept = corners[image[rows, columns, 3] > 127].reshape(-1, 5)
    faces = np.arange(len(kept)).reshape(-1, 3)
    return Group(kept[:, :3], kept[:, 3:], faces, group.material)


def _merge(parts: list[Part]) -> list[Part]:
    """Join parts that look the same, then the smallest ones with those of similar colour.

    The second step goes on until ``MAX_PARTS`` are left.
    """
    by_look: dict[object, list[Part]] = defaultdict(list)
    for part in parts:
        if len(part.faces):
            plain = part.texture is None
            look = tuple(np.round(part.rgba, 2)) if plain else (id(part.texture), part.rgba[3])
            by_look[plain, look].append(part)
    merged = [_join(same) for same in by_look.values()]
    merged.sort(key=lambda part: len(part.faces), reverse=True)
    while len(merged) > MAX_PARTS:
        last = merged.pop()
        distances = [
            np.abs(np.subtract(part.rgba, last.rgba)).sum() + 9 * (part.texture is not None)
            for part in merged
        ]
        nearest = int(np.argmin(distances))
        merged[nearest] = _join([merged[nearest], last])
    return merged


def _join(parts: list[Part]) -> Part:
    """Return one part with the look of the first and the triangles of all."""
    first = parts[0]
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    faces = [part.faces + offset for part, offset in zip(parts, offsets, strict=True)]
    texcoords = None
    if first.texture is not None:
        given = (part.texcoords for part in parts)
        blank = (np.zeros((len(part.vertices), 2), np.float32) for part in parts)
        texcoords = np.concatenate(
            [none if some is None else some for some, none in zip(given, blank, strict=True)]
        )
    return replace(
        first, vertices=join_vertices(parts), faces=np.concatenate(faces), texcoords=texcoords
    )


def decimate(part: Part, ratio: float) -> Part:
    """Keep about ``ratio`` of the triangles; texture coordinates follow the vertices."""
    if len(part.faces) < 200:
        return part
    vertices, faces, collapses = fast_simplification.simplify(
        part.vertices, part.faces, target_reduction=1 - ratio, return_collapses=True
    )
    texcoords = None
    if part.texcoords is not None:
        vertices, faces, mapping = fast_simplification.replay_simplification(
            part.vertices, part.faces, collapses
        )
        texcoords = np.zeros((len(vertices), 2), np.float32)
        texcoords[mapping] = part.texcoords
    return replace(part, vertices=vertices, faces=faces.astype(np.int32), texcoords=texcoords)


def clean(part: Part) -> Part:
    """Drop triangles without area and the vertices that nothing uses."""
    corners = part.vertices[part.faces].astype(float)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    faces = part.faces[np.linalg.norm(normals, axis=1) > 1e-10]
    used, faces = np.unique(faces, return_inverse=True)
    texcoords = None if part.texcoords is None else part.texcoords[used]
    faces = faces.reshape(-1, 3).astype(np.int32)
    return replace(part, vertices=part.vertices[used], faces=faces, texcoords=texcoords)
