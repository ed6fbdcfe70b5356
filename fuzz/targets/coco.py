"""Annotations in COCO's format, checked and read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np

from fuzz.mutation import mutate_bytes, mutate_tree
from yolact_core.dataset.checking import check_dataset
from yolact_core.dataset.coco import CocoDataset
from yolact_core.dataset.statistics import describe
from yolact_core.errors import InputError

HEIGHT, WIDTH, IMAGES = 12, 16, 2
SEGMENTATIONS: tuple[object, ...] = (
    [[2, 2, 10, 2, 10, 8, 2, 8]],
    {'size': [HEIGHT, WIDTH], 'counts': [30, 5, 7, 5, 145]},
    {'size': [HEIGHT, WIDTH], 'counts': 'n05700Q4'},
)


def seeds() -> Iterable[bytes]:
    """Return a small file of polygons and both kinds of run lengths."""
    annotations: list[dict[str, Any]] = [
        {
            'id': number,
            'image_id': 1 + number % IMAGES,
            'category_id': 3,
            'bbox': [2, 2, 8, 6],
            'area': 48,
            'iscrowd': int(number == 1),
            'segmentation': segmentation,
        }
        for number, segmentation in enumerate(SEGMENTATIONS)
    ]
    images = [
        {'id': number + 1, 'file_name': f'{number}.png', 'height': HEIGHT, 'width': WIDTH}
        for number in range(IMAGES)
    ]
    categories = [{'id': 3, 'name': 'cup'}, {'id': 90, 'name': 'bowl'}]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    yield json.dumps(content).encode()


def mutate(data: bytes, random: Random) -> bytes:
    """Change values, most often."""
    if random.random() < 0.15:
        return mutate_bytes(data, random)
    try:
        return json.dumps(mutate_tree(json.loads(data), random)).encode()
    except (ValueError, RecursionError):
        return mutate_bytes(data, random)


def run(data: bytes, folder: Path) -> None:
    """Check a data set, and read it, which must succeed if the check finds no error."""
    path = folder / 'annotations.json'
    path.write_bytes(data)
    for number in range(IMAGES):
        cv2.imwrite(str(folder / f'{number}.png'), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    problems = check_dataset(path, folder)
    try:
        _read(path, folder)
    except InputError as error:
        if not any(problem.severity == 'error' for problem in problems):
            raise AssertionError('what the check accepts must be readable') from error
        raise


def _read(path: Path, folder: Path) -> None:
    dataset = CocoDataset(path, folder)
    describe(dataset.annotations)
    for index in range(min(len(dataset), 2 * IMAGES)):
        dataset[index]
