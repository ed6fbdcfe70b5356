"""From the files of an annotation tool to one COCO file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from yolact_core.dataset.conversion.labelme import read_labelme
from yolact_core.dataset.conversion.shapes import LabelledPicture, Outline
from yolact_core.dataset.conversion.yolo import read_yolo
from yolact_core.dataset.problems import MisfitError
from yolact_core.dataset.segmentation import (
    coco_mask,
    pack_segmentation,
    segmentation_to_rle,
)
from yolact_core.errors import InputError
from yolact_core.files import replace_when_done

Format = Literal['labelme', 'yolo']


@dataclass
class Conversion:
    """What became of the annotations of another tool.

    Args:
        images: Number of pictures with their annotations.
        objects: Number of objects.
        left_out: How many outlines were left out, by the reason.
        faults: One sentence on each file that could not be converted.
    """

    images: int = 0
    objects: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def convert_to_coco(
    source: Format, labels: Path, images: Path, output: Path, names: Path | None = None
) -> Conversion:
    """Write the annotations of another tool as a COCO file.

    Files that cannot be converted are left out and named. Both tools show pictures upright, which
    the COCO file says.

    Args:
        source: ``labelme``: a JSON file per image; shapes of one label and group are one object.
            ``yolo``: a text file per image with lines of class and polygon or box, as Ultralytics
            writes them.
        labels: The folder of these files.
        images: The folder of the images.
        output: The file to write.
        names: For ``yolo``: the ``data.yaml`` with the names of the classes.

    Raises:
        InputError: There is nothing that can be converted.
    """
    if not (labels.is_dir() and images.is_dir()):
        raise InputError(f'{labels} and {images} must be folders')
    conversion = Conversion()
    classes: list[str] = []
    if source == 'labelme':
        found = read_labelme(labels, images, output)
    elif names is not None:
        classes, found = read_yolo(labels, images, names)
    else:
        raise InputError('yolo data must come with its data.yaml, which names the classes')
    content = _collect(found, list(classes), conversion)
    if conversion.images == 0:
        reason = conversion.faults[0] if conversion.faults else 'got none'
        raise InputError(
            f'{labels} must hold {source} annotations of images in {images}: {reason}'
        )
    with replace_when_done(output) as unfinished:
        unfinished.write_text(json.dumps(content))
    return conversion


def _collect(
    found: Iterator[LabelledPicture | InputError], classes: list[str], conversion: Conversion
) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for picture in found:
        if isinstance(picture, InputError):
            conversion.faults.append(str(picture))
            continue
        conversion.images += 1
        height, width = picture.size
        number = conversion.images
        images.append({'id': number, 'file_name': picture.name, 'height': height, 'width': width})
        conversion.left_out.update(picture.left_out)
        for label, outline in picture.objects:
            try:
                shape = _describe(outline, picture.size)
            except MisfitError as misfit:
                conversion.left_out[f'{misfit.rule}, {misfit.found}'] += 1
                continue
            if label not in classes:
                classes.append(label)
            ids = {'id': len(annotations) + 1, 'image_id': number}
            annotations.append({**ids, 'category_id': classes.index(label) + 1, **shape})
    conversion.objects = len(annotations)
    return {
        'info': {'orientation': 'upright'},
        'images': images,
        'annotations': annotations,
        'categories': [{'id': index, 'name': name} for index, name in enumerate(classes, start=1)],
    }


def _describe(outline: Outline, size: tuple[int, int]) -> dict[str, Any]:
    """Return the keys of an annotation that its outline gives.

    Raises:
        MisfitError: It is wrong, or encloses no pixel.
    """
    pack_segmentation(outline, size)
    rle = segmentation_to_rle(outline, size) or {}
    area = int(coco_mask().area(rle))
    if area == 0:
        raise MisfitError('an outline must enclose a pixel of the picture', 'got none')
    if isinstance(outline, dict):
        outline = {**outline, 'counts': rle['counts'].decode('ascii')}
    box = [float(value) for value in coco_mask().toBbox(rle)]
    return {'bbox': box, 'area': area, 'iscrowd': 0, 'segmentation': outline}
