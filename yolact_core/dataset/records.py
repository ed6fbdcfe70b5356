"""The records of a COCO-format file: the one place that says what must hold in each of them."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from yolact_core.dataset.problems import MisfitError
from yolact_core.dataset.segmentation import (
    FARTHEST,
    NUMBERS,
    PackedSegmentation,
    pack_segmentation,
)
from yolact_core.media.image_files import MOST_PIXELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

BORDER = 1.0  # pixels that a box may reach beyond its image without a word
LEAST_EXTENT = 0.01  # pixels of a box within its image
LONGEST_NAME = 4096  # bytes of a path that systems can open
CROWD_VALUES = (False, True, None)  # 0 and 1 equal the first two

Record = dict[str, Any]


class Category(NamedTuple):
    """A record of ``categories``."""

    id: int
    name: str


class ImageRecord(NamedTuple):
    """A record of ``images``; ``size`` is height and width in pixels."""

    id: int
    file_name: str
    size: tuple[int, int]


class ObjectRecord(NamedTuple):
    """A record of ``annotations``.

    Attributes:
        id: The file's own id.
        image_id: Id of the image.
        category_id: Id of the category.
        box: x, y, width and height in pixels.
        area: Area of the mask in pixels.
        is_crowd: Whether it marks a group of objects.
        segmentation: Outline or mask.
        doubts: What must hold and what was found, where the object is taken all the same.
    """

    id: int
    image_id: int
    category_id: int
    box: list[float]
    area: float
    is_crowd: bool
    segmentation: PackedSegmentation
    doubts: tuple[tuple[str, str], ...]


def read_category(record: Record) -> Category:
    """Read a record of ``categories``.

    Raises:
        MisfitError: It is not as it must be.
    """
    name = record.get('name')
    if not is_class_name(name):
        raise MisfitError('name must be text without control characters', f'got {_show(name)}')
    return Category(_read_id(record), name)


def is_class_name(name: object) -> TypeGuard[str]:
    """Return whether a value is text that can name a class."""
    return _is_text(name) and bool(name.strip()) and min(name) >= ' '


def read_image_record(record: Record) -> ImageRecord:
    """Read a record of ``images``.

    The file may be anywhere, as ``../images/1.jpg``: it is only ever read as an image.

    Raises:
        MisfitError: It is not as it must be.
    """
    number, name = _read_id(record), record.get('file_name')
    height, width = size = record.get('height'), record.get('width')
    if not (_is_side(height) and _is_side(width)):
        raise MisfitError('height and width must be pixels', f'got {_show(size)}')
    if height * width > MOST_PIXELS:
        raise MisfitError(f'an image must have at most {MOST_PIXELS} pixels', f'got {size}')
    if not _is_text(name) or '\0' in name:
        raise MisfitError('file_name must be the name of a file', f'got {_show(name)}')
    return ImageRecord(number, name, (height, width))


def read_object(
    record: Record, sizes: Mapping[int, tuple[int, int]], categories: Collection[int]
) -> ObjectRecord:
    """Read a record of ``annotations``.

    Args:
        record: The record.
        sizes: Height and width of each image, by its id.
        categories: Ids of the categories.

    Raises:
        MisfitError: It is not as it must be or, as a warning, the object cannot be learned.
    """
    number = _read_id(record)
    image_id, category_id = record.get('image_id'), record.get('category_id')
    if type(image_id) is not int or image_id not in sizes:
        raise MisfitError('image_id must be one of the images', f'got {_show(image_id)}')
    if type(category_id) is not int or category_id not in categories:
        raise MisfitError('category_id must be one of the categories', f'got {_show(category_id)}')
    crowd = record.get('iscrowd')
    if type(crowd) is float or crowd not in CROWD_VALUES:
        raise MisfitError('iscrowd must be 0, 1, true, false or null', f'got {_show(crowd)}')
    size = sizes[image_id]
    box = _read_box(record.get('bbox'))
    area = _read_area(record, box)
    doubts = [*_doubt_box(box, size)]
    segmentation = pack_segmentation(record.get('segmentation'), size)
    _require_extent(box, size)
    if segmentation.useless:
        doubts.append(
            ('polygons must have 3 points or more', f'{segmentation.useless} have fewer')
        )
    return ObjectRecord(
        number, image_id, category_id, box, area, bool(crowd), segmentation, tuple(doubts)
    )


def _read_id(record: Record) -> int:
    number = record.get('id')
    if type(number) is not int or not -(2**63) <= number < 2**63:
        raise MisfitError('id must be a whole number of at most 64 bits', f'got {_show(number)}')
    return number


def _read_box(box: object) -> list[float]:
    if (
        isinstance(box, list)
        and len(box) == 4
        and set(map(type, box)) <= NUMBERS
        and all(abs(value) < FARTHEST for value in box)
    ):
        return box
    raise MisfitError('bbox must be x, y, width, height in pixels', f'got {_show(box)}')


def _read_area(record: Record, box: list[float]) -> float:
    if 'area' not in record:
        return float(box[2] * box[3])
    area = record['area']
    if type(area) not in NUMBERS or not 0 <= area <= FARTHEST**2:
        raise MisfitError('area must be that of the mask in pixels', f'got {_show(area)}')
    return float(area)


def _require_extent(box: list[float], size: tuple[int, int]) -> None:
    x, y, width, height = box
    if width <= 0 or height <= 0:
        raise MisfitError('bbox must have an area', f'got {width} x {height}', 'warning')
    across, down = min(x + width, size[1]) - max(x, 0), min(y + height, size[0]) - max(y, 0)
    if across <= 0 or down <= 0:
        raise MisfitError('bbox must lie in its image', f'of {size[1]} x {size[0]}, got {box}')
    if min(across, down) < LEAST_EXTENT:
        raise MisfitError('bbox must have an area', f'got {across} x {down}', 'warning')


def _doubt_box(box: list[float], size: tuple[int, int]) -> list[tuple[str, str]]:
    x, y, width, height = box
    if min(x, y) >= -BORDER and x + width <= size[1] + BORDER and y + height <= size[0] + BORDER:
        return []
    return [('bbox should lie in its image', f'of {size[1]} x {size[0]}, got {box}')]


def _is_side(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 < value < FARTHEST


def _is_text(value: object) -> TypeGuard[str]:
    """Return whether a value is text that can be written, which lone surrogates cannot."""
    try:
        return isinstance(value, str) and 0 < len(value.encode()) <= LONGEST_NAME
    except UnicodeEncodeError:
        return False


def _show(value: object) -> str:
    return reprlib.repr(value)
