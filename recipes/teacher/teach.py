"""Real pictures as a COCO data set: NanoDet finds boxes and classes, MobileSAM the masks.

Pictures that are done are kept, whatever the options were then, so that a run that was stopped
goes on, and pictures may be added.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from recipes.teacher.pictures import INDEX
from recipes.teacher.sam import MobileSam, Outline
from yolact_core.cli.options import argument, option
from yolact_core.config import category_ids
from yolact_core.dataset.annotations import corners_to_xywh
from yolact_core.detector import Detector
from yolact_core.files import replace_when_done
from yolact_core.media.image_files import find_images, read_image
from yolact_core.terminal import progress_bar, say

if TYPE_CHECKING:
    from yolact_core.detections import Detections

NMS_IOU = 0.6  # as NanoDet has it

Record = dict[str, Any]  # of a COCO file


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``teach``."""

    pictures: Path = argument('folder with pictures, and their index if there is one')
    output: Path = argument('COCO file to write')
    model: Path = option('checkpoint of the step trunk', required=True)
    cache: Path = option('folder that keeps what is fetched', Path('out/packages'))
    least_score: float = option('class score from which a box is believed', 0.35)
    least_iou: float = option('predicted IoU from which a mask is good', 0.8)
    least_stability: float = option('stability from which a mask is good', 0.85)
    least_agreement: float = option('IoU of the box with that of a good mask', 0.7)
    threads: int = option('threads of the runtime', os.cpu_count() or 1)


def run(options: Options) -> None:
    """Outline what is found in real pictures."""
    detector = Detector.load(
        options.model,
        backend='torch',
        score_threshold=options.least_score,
        iou_threshold=NMS_IOU,
        nms='traditional',
    )
    sam = MobileSam.load(options.cache, options.threads)
    index = read_index(options.pictures)
    done = options.output.parent / f'{options.output.stem}_pictures'
    images = []
    with progress_bar('pictures', len(index)) as advance:
        for entry in index:
            path = done / f'{entry["file_name"]}.json'
            if not path.exists():
                rgb = read_image(options.pictures / entry['file_name'])
                annotations = outline(rgb, detector(rgb), sam, options)
                size = {'height': rgb.shape[0], 'width': rgb.shape[1]}
                write_json(path, {**size, 'annotations': annotations})
            images.append({**entry, **json.loads(path.read_text())})
            advance()
    content = to_coco(images, detector.class_names)
    write_json(options.output, content)
    good = sum(not one['iscrowd'] for one in content['annotations'])
    say(
        f'{len(content["images"])} of {len(index)} pictures, {good} objects with good masks, '
        f'{len(content["annotations"]) - good} to be ignored: {options.output}'
    )


def read_index(folder: Path) -> list[Record]:
    """Return the facts of each picture in a folder, at least its ``file_name`` in there.

    Raises:
        InputError: There is no picture.
    """
    path = folder / INDEX
    if path.exists():
        index: list[Record] = json.loads(path.read_text())
        return index
    paths = find_images(folder, sys.maxsize, 'folder of pictures')
    return [{'file_name': path.relative_to(folder).as_posix()} for path in paths]


def outline(
    rgb: NDArray[np.uint8], found: Detections, sam: MobileSam, options: Options
) -> list[Record]:
    """Return the annotations of what was found in one picture, without ids of their own.

    Args:
        rgb: The picture, shape (H, W, 3).
        found: Boxes and classes.
        sam: The teacher of masks.
        options: When a mask is good.
    """
    categories = category_ids(found.all_class_names)
    return [
        {
            'category_id': categories[class_id],
            'score': round(score, 4),
            **annotate(one, box, options),
        }
        for one, box, class_id, score in zip(
            sam(rgb, found.boxes),
            found.boxes,
            found.class_ids.tolist(),
            found.scores.tolist(),
            strict=True,
        )
        if one.mask.any()
    ]


def annotate(one: Outline, box: NDArray[np.float32], options: Options) -> Record:
    """Return the part of an annotation that a mask gives; without a good mask it is a crowd.

    Training ignores crowds: neither finding nor missing them counts.

    Args:
        one: What the teacher says of the box.
        box: Corners x1 y1 x2 y2 in pixels.
        options: When a mask is good.
    """
    code = coco_mask.encode(np.asfortranarray(one.mask, np.uint8))
    bbox = coco_mask.toBbox(code)
    agreement = float(coco_mask.iou([bbox], corners_to_xywh(box[None]), [0])[0, 0])
    is_good = (
        one.predicted_iou >= options.least_iou
        and one.stability >= options.least_stability
        and agreement >= options.least_agreement
        and not is_background(one.mask)
    )
    return {
        'predicted_iou': round(one.predicted_iou, 4),
        'stability': round(one.stability, 4),
        'agreement': round(agreement, 4),
        'iscrowd': int(not is_good),
        'area': int(one.mask.sum()),
        'bbox': bbox.tolist(),
        'segmentation': {'size': list(one.mask.shape), 'counts': code['counts'].decode('ascii')},
    }


def is_background(mask: NDArray[np.bool_]) -> bool:
    """Return whether a mask reaches all four sides of the picture, as hardly an object does."""
    return all(side.any() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


def to_coco(pictures: list[Record], class_names: tuple[str, ...]) -> dict[str, list[Record]]:
    """Return a COCO data set of all pictures with at least one good mask.

    Args:
        pictures: Pictures as the index has them, each with its ``annotations``.
        class_names: Names of all classes, in class order.
    """
    images: list[Record] = []
    annotations: list[Record] = []
    for picture in pictures:
        found = picture['annotations']
        if all(one['iscrowd'] for one in found):
            continue
        image_id = len(images) + 1
        facts = {key: value for key, value in picture.items() if key != 'annotations'}
        images.append({'id': image_id, **facts})
        for one in found:
            annotations.append({'id': len(annotations) + 1, 'image_id': image_id, **one})
    categories = zip(category_ids(class_names), class_names, strict=True)
    return {
        'images': images,
        'annotations': annotations,
        'categories': [{'id': number, 'name': name} for number, name in categories],
    }


def write_json(path: Path, content: object) -> None:
    """Write a file whole or not at all; its folder is made if need be."""
    with replace_when_done(path) as unfinished:
        unfinished.write_text(json.dumps(content))
