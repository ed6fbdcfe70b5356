"""What is wrong with a data set, found before a training does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeGuard

from yolact_core.dataset.annotations import Record, read_json
from yolact_core.dataset.segmentation import (
    FARTHEST,
    coco_mask,
    find_fault,
    segmentation_to_rle,
    usable_rings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BORDER = 1.0  # pixels that a box may reach beyond its image without a word
LEAST_AGREEMENT = 0.5  # IoU of a box and the box around its mask

Severity = Literal['error', 'warning']


@dataclass(frozen=True)
class Problem:
    """Something in an annotation file that is not as it must be.

    Args:
        severity: An ``error`` would spoil a training. After a ``warning`` the object, or the
            part of it that is wrong, is left out.
        where: Image, annotation or category that the problem is in.
        reason: What must hold, then what was found.
    """

    severity: Severity
    where: str
    reason: str

    def __str__(self) -> str:
        return f'{self.severity}: {self.where}: {self.reason}'


def check_dataset(
    annotations: Path, images: Path, on_image: Callable[[], None] | None = None
) -> list[Problem]:
    """Look for everything that would go wrong with a COCO-format data set.

    Args:
        annotations: The JSON file.
        images: The folder that file names are relative to. Only headers are read.
        on_image: Function that is called after each image.

    Raises:
        InputError: The file is no COCO annotation file at all.
    """
    content = read_json(annotations)
    problems = [*_check_ids(content), *_check_categories(content)]
    known: dict[int, Record] = {}
    for image in content['images']:
        found = list(_check_image(image, images))
        problems += found
        if not found and isinstance(image.get('id'), int):
            known[image['id']] = image
        if on_image:
            on_image()
    image_ids = {str(image.get('id')) for image in content['images']}
    category_ids = {str(category.get('id')) for category in content['categories']}
    for annotation in content['annotations']:
        problems += _check_references(annotation, image_ids, category_ids)
        owner = annotation.get('image_id')
        if isinstance(owner, int) and owner in known:
            size = known[owner]['height'], known[owner]['width']
            name = f'{_name(annotation)} in {known[owner]["file_name"]}'
            problems += _check_box(annotation, size, name)
            problems += _check_segmentation(annotation, size, name)
    return problems


def _check_ids(content: dict[str, list[Record]]) -> Iterator[Problem]:
    for section in ('categories', 'images', 'annotations'):
        counts = Counter(str(record.get('id')) for record in content[section])
        for record_id, count in counts.items():
            if record_id == 'None':
                yield Problem('error', section, f'all must have an id, but {count} have none')
            elif count > 1:
                where = f'{section}, id {record_id}'
                yield Problem('error', where, f'ids must not repeat, got it {count} times')


def _check_categories(content: dict[str, list[Record]]) -> Iterator[Problem]:
    used = {str(annotation.get('category_id')) for annotation in content['annotations']}
    names = Counter(str(category.get('name') or '') for category in content['categories'])
    if not names:
        yield Problem('error', 'categories', 'there must be at least one')
    for name, count in names.items():
        if not name:
            yield Problem('error', 'categories', f'all must have a name, but {count} have none')
        elif count > 1:
            yield Problem('error', 'categories', f'names must not repeat, got {name!r} {count} x')
    for category in content['categories']:
        if str(category.get('id')) not in used:
            where = f'category {category.get("name")!r}'
            yield Problem('warning', where, 'should have annotations, got none')


def _check_image(image: Record, folder: Path) -> Iterator[Problem]:
    where = f'image {image.get("id")} ({image.get("file_name")})'
    sides = image.get('height'), image.get('width')
    if not all(isinstance(side, int) and side > 0 for side in sides):
        yield Problem('error', where, f'height and width must be pixels, got {sides}')
        return
    if not isinstance(image.get('file_name'), str):
        yield Problem('error', where, 'must have a file_name')
        return
    size = _read_size(folder / image['file_name'])
    if size is None:
        yield Problem('error', where, f'must be an image file in {folder}, but is none or missing')
    elif size != sides and size != sides[::-1]:  # turned by its orientation tag
        yield Problem(
            'error',
            where,
            f'must have the {sides[1]} x {sides[0]} pixels of its record, got {_by(size)}',
        )


def _read_size(path: Path) -> tuple[int, int] | None:
    """Return height and width of an image file as stored, without decoding it."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.height, image.width
    except OSError:
        return None


def _check_references(
    annotation: Record, image_ids: set[str], category_ids: set[str]
) -> Iterator[Problem]:
    where = _name(annotation)
    image_id, category_id = annotation.get('image_id'), annotation.get('category_id')
    if not isinstance(image_id, int) or str(image_id) not in image_ids:
        yield Problem('error', where, f'image_id must be one of the images, got {image_id!r}')
    if not isinstance(category_id, int) or str(category_id) not in category_ids:
        reason = f'category_id must be one of the categories, got {category_id!r}'
        yield Problem('error', where, reason)


def _check_box(annotation: Record, size: tuple[int, int], where: str) -> Iterator[Problem]:
    box = annotation.get('bbox')
    if not _are_numbers(box) or len(box) != 4:
        yield Problem('error', where, f'bbox must be x, y, width, height in pixels, got {box}')
        return
    x, y, width, height = box
    if width <= 0 or height <= 0:
        yield Problem('warning', where, f'bbox must have an area, got {width} x {height}')
    elif x >= size[1] or y >= size[0] or x + width <= 0 or y + height <= 0:
        yield Problem('error', where, f'bbox must lie in the image of {_by(size)}, got {box}')
    elif min(x, y) < -BORDER or x + width > size[1] + BORDER or y + height > size[0] + BORDER:
        yield Problem('warning', where, f'bbox should lie in the image of {_by(size)}, got {box}')


def _check_segmentation(
    annotation: Record, size: tuple[int, int], where: str
) -> Iterator[Problem]:
    segmentation = annotation.get('segmentation')
    if isinstance(segmentation, dict):
        fault = find_fault(segmentation, size)
    else:
        fault = _find_polygon_fault(segmentation)
    if fault:
        yield Problem('error', where, fault)
        return
    if isinstance(segmentation, list):
        left_out = len(segmentation) - len(usable_rings(segmentation))
        if left_out:
            reason = f'polygons must have 3 points or more, but {left_out} have fewer'
            yield Problem('warning', where, reason)
    yield from _check_mask(annotation, size, where)


def _find_polygon_fault(segmentation: object) -> str | None:
    if segmentation is None:
        return None
    if not isinstance(segmentation, list):
        return f'segmentation must be polygons or RLE, got {type(segmentation).__name__}'
    if not all(_are_numbers(ring) and len(ring) % 2 == 0 for ring in segmentation):
        return f'polygons must be lists of x and y that are nearer than {FARTHEST:.0f} pixels'
    return None


def _check_mask(annotation: Record, size: tuple[int, int], where: str) -> Iterator[Problem]:
    """Check a mask that can be decoded."""
    rle = segmentation_to_rle(annotation.get('segmentation'), size)
    if rle is None or coco_mask().area(rle) == 0:
        yield Problem('warning', where, 'mask must have an area, but is empty')
        return
    box = annotation.get('bbox')
    if _are_numbers(box) and len(box) == 4 and not annotation.get('iscrowd'):
        around = coco_mask().toBbox(rle).tolist()
        agreement = coco_mask().iou([box], [around], [0])[0][0]
        if agreement < LEAST_AGREEMENT:
            reason = f'bbox must be x, y, width, height around the mask, {around}, got {box}'
            yield Problem('warning', where, reason)


def _are_numbers(values: object) -> TypeGuard[list[float]]:
    return isinstance(values, list) and all(
        isinstance(value, int | float) and abs(value) < FARTHEST for value in values
    )


def _name(annotation: Record) -> str:
    return f'annotation {annotation.get("id")}'


def _by(size: tuple[int, int]) -> str:
    return f'{size[1]} x {size[0]}'
