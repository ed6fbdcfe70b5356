"""What a COCO-format file says, held compactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.problems import MisfitError, Problem, log_warnings, refuse_errors
from yolact_core.dataset.records import (
    Category,
    ImageRecord,
    ObjectRecord,
    Record,
    read_category,
    read_image_record,
    read_object,
)
from yolact_core.dataset.segmentation import SegmentationStore
from yolact_core.errors import InputError
from yolact_core.media.image_headers import Orientation
from yolact_core.records import parse_json

ORIENTATIONS = get_args(Orientation)
SECTIONS = ('images', 'annotations', 'categories')

Read = TypeVar('Read', Category, ImageRecord, ObjectRecord)


@dataclass(frozen=True)
class Annotations:
    """Images and their annotations as arrays, sorted by image.

    Objects that cannot be learned are left out, which a warning among the problems says.

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
        ids: The file's own id of each annotation, int64, shape (A,).
        orientation: Whether the annotations are for the pixels as they are ``stored`` or, by
            EXIF's orientation, ``upright``; ``auto`` where the file does not tell.
        problems: What is not as it must be in the file.
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
    ids: npt.NDArray[np.int64]
    orientation: Orientation
    problems: tuple[Problem, ...]

    def size(self, image: int) -> tuple[int, int]:
        """Return height and width of an image."""
        height, width = self.sizes[image].tolist()
        return height, width

    def file_name(self, image: int) -> str:
        """Return the path of an image below the folder of images."""
        return str(self.file_names[image], 'utf-8')

    def orientation_or(self, given: Orientation) -> Orientation:
        """Return which pixels the annotations are for: as given or, for ``auto``, as told."""
        return self.orientation if given == 'auto' else given

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
    """Read a COCO-format file into arrays; what is left out or doubtful is logged.

    Args:
        path: The JSON file. Ids may have gaps and any order.
        class_names: Order of the classes; default: the file's categories, sorted by their ids.

    Raises:
        InputError: The file cannot be read, or something in it is not as it must be.
    """
    annotations = parse_annotations(read_json(path))
    refuse_errors(path, annotations.problems)
    log_warnings(path, annotations.problems)
    return reorder_classes(annotations, class_names) if class_names else annotations


def reorder_classes(annotations: Annotations, class_names: tuple[str, ...]) -> Annotations:
    """Give the classes another order, and perhaps further ones that no annotation has.

    Raises:
        InputError: A class of the annotations is missing.
    """
    for name in annotations.class_names:
        if name not in class_names:
            known = ', '.join(class_names)
            raise InputError(f'category must be one of {known}, got {name!r}')
    order = np.array([class_names.index(name) for name in annotations.class_names], np.int64)
    category_of = dict(zip(annotations.class_names, annotations.category_ids, strict=True))
    return replace(
        annotations,
        class_names=class_names,
        category_ids=tuple(category_of.get(name, n) for n, name in enumerate(class_names, 1)),
        class_ids=order[annotations.class_ids],
    )


def parse_annotations(content: dict[str, list[Record]]) -> Annotations:
    """Take what is sound in a COCO-format file; the problems say what is not."""
    problems: list[Problem] = []
    categories = _read_all(content['categories'], read_category, _name_category, problems)
    images = _read_all(content['images'], read_image_record, _name_image, problems)
    sizes = {image.id: image.size for image in images.values()}
    known = _without_lost(content, images.keys(), categories.keys())

    def read(record: Record) -> ObjectRecord:
        return read_object(record, sizes, categories.keys())

    def name(record: Record) -> str:
        owner = record.get('image_id')
        image = images.get(owner) if type(owner) is int else None
        number = f'annotation {record.get("id")}'
        return f'{number} in {image.file_name}' if image else number

    objects = _read_all(known, read, name, problems)
    for one in objects.values():
        where = f'annotation {one.id} in {images[one.image_id].file_name}'
        problems += [Problem('warning', where, *doubt) for doubt in one.doubts]
    problems += _check_names(categories, images, content['annotations'])
    orientation = _read_orientation(content, problems)
    return _assemble(categories, images, objects, orientation, tuple(problems))


def _read_all(
    records: list[Record],
    read: Callable[[Record], Read],
    name: Callable[[Record], str],
    problems: list[Problem],
) -> dict[int, Read]:
    """Return by their ids the records that are as they must be, and note why others are not."""
    found: dict[int, Read] = {}
    for record in records:
        try:
            value = read(record)
            if value.id in found:
                raise MisfitError('ids must not repeat', f'got {value.id} again')
            found[value.id] = value
        except MisfitError as misfit:
            problems.append(misfit.in_record(name(record)))
    return found


def _without_lost(
    content: dict[str, list[Record]], images: Collection[int], categories: Collection[int]
) -> list[Record]:
    """Return the annotations without those whose image or category has a problem itself."""

    def lost_ids(section: str, found: Collection[int]) -> set[int]:
        ids = {one['id'] for one in content[section] if type(one.get('id')) is int}
        return ids.difference(found)

    def refers_to(record: Record, key: str, ids: set[int]) -> bool:
        return type(record.get(key)) is int and record[key] in ids

    lost_images, lost_categories = lost_ids('images', images), lost_ids('categories', categories)
    if not lost_images and not lost_categories:
        return content['annotations']
    return [
        record
        for record in content['annotations']
        if not refers_to(record, 'image_id', lost_images)
        and not refers_to(record, 'category_id', lost_categories)
    ]


def _check_names(
    categories: dict[int, Category], images: dict[int, ImageRecord], annotations: list[Record]
) -> Iterator[Problem]:
    if not categories:
        yield Problem('error', 'categories', 'there must be at least one')
    for name, count in Counter(category.name for category in categories.values()).items():
        if count > 1:
            where = f'category {name!r}'
            yield Problem('error', where, 'names must not repeat', f'got it {count} times')
    for name, count in Counter(image.file_name for image in images.values()).items():
        if count > 1:
            rule, found = 'files should not repeat', f'got it {count} times'
            yield Problem('warning', f'image {name}', rule, found)
    used = {repr(record.get('category_id')) for record in annotations}
    for category in categories.values():
        if repr(category.id) not in used:
            where = f'category {category.name!r}'
            yield Problem('warning', where, 'should have annotations', 'got none')


def _read_orientation(content: dict[str, Any], problems: list[Problem]) -> Orientation:
    """Return what ``orientation`` among the file's ``info`` says."""
    info = content.get('info')
    told = info.get('orientation', 'auto') if isinstance(info, dict) else 'auto'
    if told not in ORIENTATIONS:
        rule = f'orientation must be one of {", ".join(ORIENTATIONS)}'
        problems.append(Problem('error', 'info', rule, f'got {told!r}'))
        return 'auto'
    return cast('Orientation', told)


def _assemble(
    categories: dict[int, Category],
    images: dict[int, ImageRecord],
    objects: dict[int, ObjectRecord],
    orientation: Orientation,
    problems: tuple[Problem, ...],
) -> Annotations:
    position = {image_id: index for index, image_id in enumerate(images)}
    in_file = list(objects.values())
    owners = np.array([position[one.image_id] for one in in_file], np.int64)
    order = owners.argsort(kind='stable')
    annotations = [in_file[index] for index in order.tolist()]
    categories = dict(sorted(categories.items()))
    class_of = {category_id: index for index, category_id in enumerate(categories)}
    return Annotations(
        class_names=tuple(category.name for category in categories.values()),
        category_ids=tuple(categories),
        image_ids=np.array(list(images), np.int64),
        file_names=np.array([image.file_name.encode() for image in images.values()], 'S'),
        sizes=np.array([image.size for image in images.values()], np.int32).reshape(-1, 2),
        starts=np.searchsorted(owners[order], np.arange(len(images) + 1)),
        boxes=np.array([one.box for one in annotations], np.float64).reshape(-1, 4),
        areas=np.array([one.area for one in annotations], np.float64),
        class_ids=np.array([class_of[one.category_id] for one in annotations], np.int64),
        is_crowd=np.array([one.is_crowd for one in annotations], np.bool_),
        segmentations=SegmentationStore.join(one.segmentation for one in annotations),
        ids=np.array([one.id for one in annotations], np.int64),
        orientation=orientation,
        problems=problems,
    )


def _name_category(record: Record) -> str:
    return f'category {record.get("name")!r}'


def _name_image(record: Record) -> str:
    file_name = repr(str(record.get('file_name')))[1:-1]  # control characters become escapes
    return f'image {record.get("id")} ({file_name})'
