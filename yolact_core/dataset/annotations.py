"""What a COCO-format file says, held compactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.segmentation import SegmentationStore, find_fault
from yolact_core.errors import InputError
from yolact_core.records import parse_json

SECTIONS = ('images', 'annotations', 'categories')

Record = dict[str, Any]


@dataclass(frozen=True)
class Annotations:
    """Images and their annotations as arrays, sorted by image.

    Args:
        class_names: Names of the classes, in the order of class ids.
        category_ids: The file's own id of each class.
        image_ids: The file's own ids, int64, shape (I,).
        file_names: Path of each image below the folder of images, UTF-8, shape (I,).
        sizes: Height and width in pixels, int32, shape (I, 2).
        starts: Annotations ``starts[i]`` to ``starts[i + 1]`` belong to image i, shape (I + 1,).
        boxes: Box of each annotation: x, y, width and height in pixels, float64, shape (A, 4).
        areas: Area of each mask in pixels, float64, shape (A,).
        class_ids: Class of each annotation, 0-based, int64, shape (A,).
        is_crowd: Whether each marks a group of objects, shape (A,).
        segmentations: Outline or mask of each annotation.
    """

    class_names: tuple[str, ...]
    category_ids: tuple[int, ...]
    image_ids: npt.NDArray[np.int64]
    file_names: npt.NDArray[np.bytes_]
    sizes: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    areas: npt.NDArray[np.float64]
    class_ids: npt.NDArray[np.int64]
    is_crowd: npt.NDArray[np.bool_]
    segmentations: SegmentationStore

    def size(self, image: int) -> tuple[int, int]:
        """Return height and width of an image."""
        height, width = self.sizes[image].tolist()
        return height, width

    def of_image(self, image: int) -> npt.NDArray[np.int64]:
        """Return the indices of the annotations of an image."""
        return np.arange(self.starts[image], self.starts[image + 1])


def corners_to_xywh(boxes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Turn corners x1 y1 x2 y2, shape (N, 4), into x, y, width and height as COCO writes them."""
    low, high = np.split(boxes.astype(np.float64), 2, axis=1)
    return np.concatenate([low, high - low], axis=1)


def xywh_to_corners(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turn x, y, width and height, shape (N, 4), into corners x1 y1 x2 y2."""
    low, extent = np.split(boxes, 2, axis=1)
    return np.concatenate([low, low + extent], axis=1)


def read_json(path: Path) -> dict[str, list[Record]]:
    """Read a COCO-format file.

    Raises:
        InputError: It cannot be read, or lacks images, annotations or categories.
    """
    try:
        content = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f'{path} must be a readable COCO annotation file: {error}') from error
    for section in SECTIONS:
        if not isinstance(content, dict) or not isinstance(content.get(section), list):
            raise InputError(f'{path} must hold a list of {section}, as COCO annotation files do')
        if not all(isinstance(record, dict) for record in content[section]):
            raise InputError(f'{path}: each of the {section} must hold keys and values')
    return content  # type: ignore[no-any-return]


def read_annotations(path: Path, class_names: tuple[str, ...] | None = None) -> Annotations:
    """Read a COCO-format file into arrays.

    Args:
        path: The JSON file. Ids may have gaps and any order.
        class_names: Order of the classes; default: the file's categories, sorted by their ids.

    Raises:
        InputError: The file cannot be read, or something in it does not fit together.
    """
    content = read_json(path)
    try:
        return _assemble(content, class_names)
    except _MisfitError as error:
        reason = str(error)
    except (KeyError, TypeError, ValueError) as error:
        reason = f'it must be complete and of the right types ({type(error).__name__}: {error})'
    raise InputError(f'{path}: {reason}; "yolact dataset check" lists all problems')


class _MisfitError(Exception):
    pass


def _assemble(
    content: dict[str, list[Record]], class_names: tuple[str, ...] | None
) -> Annotations:
    class_names, class_of = _number_classes(content['categories'], class_names)
    images = {int(image['id']): image for image in content['images']}
    if len(images) != len(content['images']):
        raise _MisfitError('image ids must not repeat')
    position = {image_id: index for index, image_id in enumerate(images)}
    for annotation in content['annotations']:
        _refuse_misfit(annotation, images, class_of)
    annotations = sorted(
        content['annotations'], key=lambda annotation: position[annotation['image_id']]
    )
    owners = [position[annotation['image_id']] for annotation in annotations]
    sizes = np.array(
        [(image['height'], image['width']) for image in images.values()], dtype=np.int32
    ).reshape(-1, 2)
    size_of = sizes.tolist()
    category_of = {class_id: category for category, class_id in class_of.items()}
    return Annotations(
        class_names=class_names,
        category_ids=tuple(category_of.get(index, index + 1) for index in range(len(class_names))),
        image_ids=np.array(list(images), dtype=np.int64),
        file_names=np.array([str(image['file_name']).encode() for image in images.values()], 'S'),
        sizes=sizes,
        starts=np.searchsorted(owners, np.arange(len(images) + 1)),
        boxes=np.array([item['bbox'] for item in annotations], np.float64).reshape(-1, 4),
        areas=np.array([_area(item) for item in annotations], np.float64),
        class_ids=np.array([class_of[item['category_id']] for item in annotations], np.int64),
        is_crowd=np.array([bool(item.get('iscrowd')) for item in annotations], np.bool_),
        segmentations=SegmentationStore.pack(
            (item.get('segmentation'), (size_of[owner][0], size_of[owner][1]))
            for item, owner in zip(annotations, owners, strict=True)
        ),
    )


def _number_classes(
    categories: list[Record], class_names: tuple[str, ...] | None
) -> tuple[tuple[str, ...], dict[int, int]]:
    """Return the names of the classes in order, and the class of each category id."""
    categories = sorted(categories, key=lambda category: int(category['id']))
    names = tuple(str(category['name']) for category in categories)
    class_names = class_names or names
    if unknown := [name for name in names if name not in class_names]:
        raise _MisfitError(f'category must be one of {", ".join(class_names)}, got {unknown[0]!r}')
    return class_names, {
        int(category['id']): class_names.index(category['name']) for category in categories
    }


def _area(annotation: Record) -> float:
    width, height = annotation['bbox'][2:]
    return float(annotation.get('area', width * height))


def _refuse_misfit(
    annotation: Record, images: dict[int, Record], class_of: dict[int, int]
) -> None:
    """Refuse an annotation that cannot be read at all."""
    where = f'annotation {annotation.get("id")}'
    if annotation.get('image_id') not in images:
        raise _MisfitError(
            f'{where}: image_id must be one of the images, got {annotation.get("image_id")!r}'
        )
    if annotation.get('category_id') not in class_of:
        raise _MisfitError(
            f'{where}: category_id must be one of the categories, '
            f'got {annotation.get("category_id")!r}'
        )
    if not isinstance(annotation.get('bbox'), list) or len(annotation['bbox']) != 4:
        raise _MisfitError(f'{where}: bbox must be x, y, width, height')
    image, segmentation = images[annotation['image_id']], annotation.get('segmentation')
    if isinstance(segmentation, dict):
        fault = find_fault(segmentation, (image['height'], image['width']))
        if fault:
            raise _MisfitError(f'{where}: {fault}')
