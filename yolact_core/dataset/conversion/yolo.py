"""The text files of YOLO, as Ultralytics writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from yolact_core.dataset.conversion.shapes import LabelledPicture, Outline
from yolact_core.dataset.records import is_class_name
from yolact_core.errors import InputError
from yolact_core.media.image_files import is_hidden, is_image_file, read_header
from yolact_core.records import read_yaml

BOX_VALUES, LEAST_POLYGON = 4, 6  # numbers behind the class
CLASS_FILES = ('classes.txt', 'labels.txt')  # beside the labels


def read_yolo(
    labels: Path, images: Path, names: Path
) -> tuple[list[str], Iterator[LabelledPicture | InputError]]:
    """Read the names of the classes, and all pictures with their labels.

    A picture without a file of labels shows no object.

    Args:
        labels: Folder of the files of labels, each called as its picture.
        images: Folder of the pictures, at any depth.
        names: The ``data.yaml`` with the names of the classes.

    Raises:
        InputError: The names cannot be read.
    """
    told = read_yaml(names).get('names')
    listed = list(told.values()) if isinstance(told, dict) else told
    classes = listed if isinstance(listed, list) else []
    is_counted = not isinstance(told, dict) or list(told) == list(range(len(told)))
    is_sound = is_counted and all(is_class_name(name) for name in classes)
    if not classes or not is_sound or len(set(classes)) < len(classes):
        raise InputError(f'{names} must hold names, in the order of the classes, got {told!r}')
    return classes, _read_pictures(labels, images, classes)


def _read_pictures(
    labels: Path, images: Path, classes: list[str]
) -> Iterator[LabelledPicture | InputError]:
    used = set()
    for picture in sorted(images.rglob('*')):
        if not is_image_file(picture) or is_hidden(picture, images):
            continue
        relative = picture.relative_to(images)
        path = labels / relative.with_suffix('.txt')
        used.add(path)
        try:
            size = read_header(picture).upright_size
            objects = _read_file(path, size, classes) if path.exists() else []
            yield LabelledPicture(relative.as_posix(), size, objects)
        except InputError as error:
            yield InputError(f'{path}: {error}')
        except (OSError, ValueError) as error:
            yield InputError(f'{path} must be a readable file of labels: {error}')
    for path in sorted(labels.rglob('*.txt')):
        if path not in used and path.name not in CLASS_FILES and not is_hidden(path, labels):
            yield InputError(f'{path}: its picture {path.stem} must be in {images}')


def _read_file(path: Path, size: tuple[int, int], classes: list[str]) -> list[tuple[str, Outline]]:
    lines = path.read_text(encoding='utf-8').splitlines()
    return [
        _read_line(line.split(), size, classes, number)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


def _read_line(
    words: list[str], size: tuple[int, int], classes: list[str], number: int
) -> tuple[str, Outline]:
    try:
        values = np.array(words[1:], dtype=np.float64)
    except ValueError:
        values = np.zeros(0)
    is_polygon = len(values) >= LEAST_POLYGON and len(values) % 2 == 0
    if not (len(values) == BOX_VALUES or is_polygon) or not (np.abs(values) <= 2).all():
        raise InputError(
            f'line {number} must be a class and a polygon or box, as fractions of the picture, '
            f'got {" ".join(words)!r:.80}'
        )
    if not (words[0].isascii() and words[0].isdigit() and int(words[0]) < len(classes)):
        raise InputError(
            f'line {number} must begin with a class below {len(classes)}, got {words[0]!r:.80}'
        )
    if not is_polygon:
        x, y, width, height = values
        x1, x2, y1, y2 = x - width / 2, x + width / 2, y - height / 2, y + height / 2
        values = np.array([x1, y1, x2, y1, x2, y2, x1, y2])
    points = values.reshape(-1, 2) * (size[1], size[0])
    return classes[int(words[0])], [points.ravel().tolist()]
