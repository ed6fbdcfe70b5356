"""What is wrong with a data set, found before a training does."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.annotations import (
    Annotations,
    parse_annotations,
    read_json,
    xywh_to_corners,
)
from yolact_core.dataset.pictures import (
    is_ambiguous,
    read_annotated_header,
    read_annotated_image,
)
from yolact_core.dataset.problems import Problem, log_warnings, refuse_errors
from yolact_core.dataset.segmentation import coco_mask
from yolact_core.errors import InputError
from yolact_core.media.image_headers import Orientation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from yolact_core.dataset.coco import CocoDataset

    Progress = Callable[[int], AbstractContextManager[Callable[[], None]]]

LEAST_AGREEMENT = 0.5  # IoU of a box and the box around its mask

Boxes = npt.NDArray[np.float64]


def _show_nothing(_total: int) -> AbstractContextManager[Callable[[], None]]:
    return nullcontext(lambda: None)


def check_dataset(
    path: Path,
    folder: Path,
    orientation: Orientation = 'auto',
    is_deep: bool = False,
    progress: Progress = _show_nothing,
) -> list[Problem]:
    """Look for everything that would go wrong with a COCO-format data set.

    Args:
        path: The JSON file.
        folder: The folder that file names are relative to.
        orientation: Which pixels annotations are for, see ``CocoDataset``.
        is_deep: Decode every picture, on all cores; else headers and, of JPEG, PNG and WebP
            files, their ends are read.
        progress: Function that is given the number of images, and gives one to call after each.

    Raises:
        InputError: The file is no COCO annotation file at all.
    """
    annotations = parse_annotations(read_json(path))
    orientation = annotations.orientation_or(orientation)
    images = range(len(annotations.image_ids))
    with progress(len(images)) as advance:
        problems = [
            *annotations.problems,
            *_check_pictures(annotations, folder, orientation, images, is_deep, advance),
        ]
    problems += _check_masks(annotations, images)
    has_errors = any(problem.severity == 'error' for problem in problems)
    return problems if has_errors else [*problems, *_check_objects(annotations)]


def require_sound(
    dataset: CocoDataset, images: Sequence[int] | None = None, needs_objects: bool = True
) -> None:
    """Refuse a data set that ``check_dataset`` finds errors in, and log its warnings.

    Pictures are not decoded.

    Args:
        dataset: Data set, whose file was read already.
        images: Indices of the images that take part; None means all.
        needs_objects: Whether there must be objects.

    Raises:
        InputError: There are errors; the text names the first.
    """
    annotations = dataset.annotations
    images = range(len(dataset)) if images is None else images
    pictures = _check_pictures(
        annotations, dataset.folder, dataset.orientation, images, False, lambda: None
    )
    problems = [*pictures, *_check_masks(annotations, images)]
    if needs_objects:
        problems += _check_objects(annotations)
    refuse_errors(dataset.path, problems)
    log_warnings(dataset.path, problems)


def _check_objects(annotations: Annotations) -> Iterator[Problem]:
    if len(annotations.image_ids) == 0:
        yield Problem('error', 'images', 'there must be at least one')
    elif annotations.is_crowd.all():
        found = f'{len(annotations.is_crowd)} crowds' if len(annotations.is_crowd) else 'none'
        yield Problem('error', 'annotations', 'there must be at least one object', f'got {found}')


def _check_pictures(
    annotations: Annotations,
    folder: Path,
    orientation: Orientation,
    images: Sequence[int],
    is_deep: bool,
    advance: Callable[[], None],
) -> Iterator[Problem]:
    def check(image: int) -> Problem | None:
        name, size = annotations.file_name(image), annotations.size(image)
        where = f'image {annotations.image_ids[image]} ({name})'
        try:
            header = read_annotated_header(folder / name, size, orientation)
            if is_deep:
                read_annotated_image(folder / name, size, orientation)
        except InputError as error:
            return Problem('error', where, str(error))
        if not is_ambiguous(header, size, orientation):
            return None
        rule = 'with an EXIF orientation, option "orientation" should be stored or upright'
        found = f'got auto for orientation {header.orientation}: taken as stored'
        return Problem('warning', where, rule, found)

    executor = ThreadPoolExecutor(os.cpu_count())
    try:
        for problem in executor.map(check, images):
            advance()
            if problem:
                yield problem
    finally:  # Ctrl-C does not wait for the others
        executor.shutdown(cancel_futures=True)


def _check_masks(annotations: Annotations, images: Sequence[int]) -> Iterator[Problem]:
    for image in images:
        chosen = annotations.of_image(image).tolist()
        if not chosen:
            continue
        size, name = annotations.size(image), annotations.file_name(image)
        rles = [annotations.segmentations.rle(index, size) for index in chosen]
        areas, around = coco_mask().area(rles), coco_mask().toBbox(rles)
        boxes = annotations.boxes[chosen]
        agreement = _pairwise_iou(xywh_to_corners(boxes), xywh_to_corners(around))
        for row, index in enumerate(chosen):
            where = f'annotation {annotations.ids[index]} in {name}'
            if areas[row] == 0:
                yield Problem('warning', where, 'mask should cover a pixel', 'but is empty')
            elif agreement[row] < LEAST_AGREEMENT and not annotations.is_crowd[index]:
                rule = 'bbox should be x, y, width, height around the mask'
                found = f'{around[row].tolist()}, got {boxes[row].tolist()}'
                yield Problem('warning', where, rule, found)


def _pairwise_iou(boxes: Boxes, others: Boxes) -> Boxes:
    """Return the IoU of each box with the other of the same row, shape (N,)."""
    low, high = np.maximum(boxes[:, :2], others[:, :2]), np.minimum(boxes[:, 2:], others[:, 2:])
    shared = (high - low).clip(0).prod(axis=1)
    both = sum((one[:, 2:] - one[:, :2]).prod(axis=1) for one in (boxes, others))
    iou: Boxes = shared / (both - shared).clip(np.finfo(np.float64).tiny)
    return iou
