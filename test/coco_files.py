"""Small hand-made data sets in COCO's format, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SIZE = (40, 60)  # height, width
CATEGORIES = [{'id': 90, 'name': 'cup'}, {'id': 3, 'name': 'bowl'}]


def polygon(x1: float, y1: float, x2: float, y2: float) -> list[list[float]]:
    """Return the segmentation of a rectangle."""
    return [[x1, y1, x2, y1, x2, y2, x1, y2]]


def annotation(number: int, image_id: int, box: list[float], /, **changes: Any) -> dict[str, Any]:
    """Return a rectangle's annotation; ``box`` is x, y, width, height."""
    x, y, width, height = box
    return {
        'id': number,
        'image_id': image_id,
        'category_id': 3,
        'bbox': box,
        'area': width * height,
        'iscrowd': 0,
        'segmentation': polygon(x, y, x + width, y + height),
        **changes,
    }


def write_dataset(
    folder: Path, annotations: list[dict[str, Any]], images: int = 3, **changes: Any
) -> Path:
    """Write images 10, 20, 30, ... and return the annotation file beside them."""
    records = []
    for index in range(images):
        name = f'{index}.png'
        pixels = np.random.default_rng(index).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), pixels)
        size = {'height': SIZE[0], 'width': SIZE[1]}
        records.append({'id': 10 * (index + 1), 'file_name': name, **size})
    content = {'images': records, 'annotations': annotations, 'categories': CATEGORIES, **changes}
    path = folder / 'annotations.json'
    path.write_text(json.dumps(content))
    return path
