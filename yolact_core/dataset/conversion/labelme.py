"""The JSON files of labelme."""

from __future__ import annotations

import base64
import io
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import cv2
import numpy as np

from yolact_core.dataset.conversion.shapes import LabelledPicture, Outline, find_picture
from yolact_core.dataset.records import is_class_name
from yolact_core.dataset.segmentation import coco_mask, segmentation_to_rle
from yolact_core.errors import InputError
from yolact_core.media.image_files import is_hidden, read_header
from yolact_core.media.image_headers import parse_header
from yolact_core.records import parse_json

CIRCLE_POINTS = 64
POLYGONS = ('polygon', 'rotation', 'oriented_rectangle', '', None)
WITHOUT_AREA = ('point', 'points', 'line', 'linestrip')

Size = tuple[int, int]


def read_labelme(
    labels: Path, images: Path, output: Path
) -> Iterator[LabelledPicture | InputError]:
    """Read all files of labels, and give an error for each that cannot be read.

    Args:
        labels: Folder of the files, at any depth.
        images: Folder of the pictures.
        output: File that is no file of labels, should it be there.
    """
    for path in sorted(labels.rglob('*.json')):
        if is_hidden(path, labels) or path.resolve() == output.resolve():
            continue
        try:
            yield _read_file(path, path.relative_to(labels), images)
        except InputError as error:
            yield InputError(f'{path}: {error}')
        except (OSError, ValueError) as error:
            yield InputError(f'{path} must be a readable labelme file: {error}')


def _read_file(path: Path, relative: Path, images: Path) -> LabelledPicture:
    try:
        content = parse_json(path.read_bytes())
    except InputError as error:
        raise InputError(f'it must be readable JSON: {error}') from error
    if not isinstance(content, dict) or not isinstance(content.get('shapes'), list):
        raise InputError('it must hold a list of shapes, as labelme files do')
    told = content.get('imagePath')
    picture = find_picture(
        images, relative, PureWindowsPath(told).name if isinstance(told, str) else ''
    )
    size = read_header(picture).upright_size
    given = content.get('imageHeight') or size[0], content.get('imageWidth') or size[1]
    if given != size:
        raise InputError(
            f'it must be for the {size[1]} x {size[0]} pixels of {picture}, '
            f'got {given[1]} x {given[0]}'
        )
    left_out: Counter[str] = Counter()
    groups: dict[object, tuple[str, list[Outline]]] = {}
    for index, shape in enumerate(content['shapes']):
        label, group = _read_label(shape), shape.get('group_id')
        kind = shape.get('shape_type')
        if kind in WITHOUT_AREA:
            left_out[f'{kind} shapes enclose no area'] += 1
            continue
        outline = _read_outline(shape, kind, size)
        if outline is None:
            left_out[f'{kind!r} shapes are unknown'] += 1
            continue
        key = index if group is None else (label, repr(group))
        groups.setdefault(key, (label, []))[1].append(outline)
    objects = [(label, _join(outlines, size)) for label, outlines in groups.values()]
    return LabelledPicture(picture.relative_to(images).as_posix(), size, objects, left_out)


def _read_label(shape: object) -> str:
    label = shape.get('label') if isinstance(shape, dict) else None
    if not is_class_name(label):
        raise InputError(f'each shape must have a label, got {label!r}')
    return label


def _read_outline(shape: dict[str, Any], kind: object, size: Size) -> Outline | None:
    """Return the outline of a shape, None for a kind that is not known.

    Raises:
        InputError: Its points are not as they must be.
    """
    points = shape.get('points')
    try:
        corners = np.array(points, dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError, OverflowError):
        corners = np.full((1, 2), np.nan)
    if not np.isfinite(corners).all():
        raise InputError(f'points of a shape must be pairs of x and y, got {points!r:.80}')
    if kind in POLYGONS or (kind == 'rectangle' and len(corners) > 2):
        return [corners.ravel().tolist()]
    if kind not in ('rectangle', 'circle', 'mask'):
        return None
    if len(corners) != 2:
        raise InputError(f'a {kind} must have 2 points, got {len(corners)}')
    (x1, y1), (x2, y2) = corners.tolist()
    if kind == 'rectangle':
        return [[x1, y1, x2, y1, x2, y2, x1, y2]]
    if kind == 'circle':
        radius = math.hypot(x2 - x1, y2 - y1)
        angles = np.arange(CIRCLE_POINTS) * 2 * np.pi / CIRCLE_POINTS
        around = corners[0] + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return [around.ravel().tolist()]
    return _read_mask(shape.get('mask'), round(x1), round(y1), size)


def _read_mask(text: object, x: int, y: int, size: Size) -> Outline:
    """Read the PNG file of a mask, whose first pixel is at x and y."""
    try:
        data = base64.b64decode(text, validate=True)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        data = b''
    header = parse_header(io.BytesIO(data))
    height, width = size
    if not header or header.size[0] > height + 1 or header.size[1] > width + 1:
        raise InputError('a mask must be an image in base64, not larger than the picture')
    crop = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if crop is None:
        raise InputError('a mask must be an image in base64, but it cannot be decoded')
    whole = np.zeros(size, np.uint8, order='F')
    left, top = max(x, 0), max(y, 0)
    seen = (crop > 0)[top - y : max(height - y, 0), left - x : max(width - x, 0)]
    whole[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return _to_runs(coco_mask().encode(whole), size)


def _join(outlines: list[Outline], size: Size) -> Outline:
    """Return the outline of all parts of an object."""
    rings = [ring for one in outlines if isinstance(one, list) for ring in one]
    if all(isinstance(one, list) for one in outlines):
        return rings
    parts = [segmentation_to_rle(one, size) for one in outlines]
    return _to_runs(coco_mask().merge([part for part in parts if part]), size)


def _to_runs(rle: dict[str, Any], size: Size) -> Outline:
    return {'size': list(size), 'counts': rle['counts'].decode('ascii')}
