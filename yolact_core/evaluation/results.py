"""What there is in images, and what was found, as evaluation compares them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.annotations import corners_to_xywh, xywh_to_corners
from yolact_core.dataset.segmentation import Rle
from yolact_core.files import replace_when_done
from yolact_core.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolact_core.dataset import CocoDataset
    from yolact_core.dataset.annotations import Annotations
    from yolact_core.detections import Detections

BOX_FILE, MASK_FILE = 'boxes.json', 'masks.json'


@dataclass(frozen=True)
class ImageTruth:
    """The objects of one image.

    Args:
        size: Height and width of the image in pixels.
        boxes: Corners x1 y1 x2 y2 in pixels, float64, shape (N, 4).
        class_ids: Class of each one, 0-based, shape (N,).
        is_crowd: Whether each marks a group, where neither hits nor misses count, shape (N,).
        areas: Area of each mask in pixels, which tells small from large, shape (N,).
        rles: Mask of each object.
    """

    size: tuple[int, int]
    boxes: npt.NDArray[np.float64]
    class_ids: npt.NDArray[np.int64]
    is_crowd: npt.NDArray[np.bool_]
    areas: npt.NDArray[np.float64]
    rles: list[Rle]


@dataclass(frozen=True)
class ImageResult:
    """What was found in one image.

    Args:
        boxes: Corners x1 y1 x2 y2 in pixels, float64, shape (N, 4).
        class_ids: Class of each one, 0-based, shape (N,).
        scores: Scores that rank the boxes, shape (N,).
        mask_scores: Scores that rank the masks, shape (N,).
        rles: Mask of each instance.
    """

    boxes: npt.NDArray[np.float64]
    class_ids: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    mask_scores: npt.NDArray[np.float64]
    rles: list[Rle]


def truth_of_image(
    annotations: Annotations, image: int, class_of: Mapping[int, int]
) -> ImageTruth:
    """Return the objects of one image of a data set.

    Args:
        annotations: The data set.
        image: Index of the image.
        class_of: Class in the evaluation for each class of the data set that takes part.
    """
    chosen = [
        int(item)
        for item in annotations.of_image(image)
        if int(annotations.class_ids[item]) in class_of
    ]
    size = annotations.size(image)
    classes = [class_of[int(class_id)] for class_id in annotations.class_ids[chosen]]
    return ImageTruth(
        size=size,
        boxes=xywh_to_corners(annotations.boxes[chosen]),
        class_ids=np.array(classes, dtype=np.int64),
        is_crowd=annotations.is_crowd[chosen],
        areas=annotations.areas[chosen],
        rles=[annotations.segmentations.rle(item, size) for item in chosen],
    )


def result_of_image(detections: Detections, class_of: Mapping[int, int]) -> ImageResult:
    """Return what was found in one image, masks as run lengths.

    Args:
        detections: Output of the detector.
        class_of: Class in the evaluation for each class of the detector that takes part.
    """
    chosen = [
        index
        for index, class_id in enumerate(detections.class_ids.tolist())
        if class_id in class_of
    ]
    detections = detections[chosen]
    classes = [class_of[class_id] for class_id in detections.class_ids.tolist()]
    return ImageResult(
        boxes=detections.boxes.astype(np.float64),
        class_ids=np.array(classes, dtype=np.int64),
        scores=detections.scores.astype(np.float64),
        mask_scores=detections.mask_scores.astype(np.float64),
        rles=detections.masks.coco_rles(),
    )


@dataclass(frozen=True)
class DatasetResults:
    """All that a detector found in a data set, next to the truth.

    Args:
        class_names: Classes that both data set and detector know.
        images: Index of each image in the data set.
        truths: Objects of each image.
        results: What was found in each image.
        timing: Mean seconds of an image by stage.
    """

    class_names: tuple[str, ...]
    images: list[int]
    truths: list[ImageTruth]
    results: list[ImageResult]
    timing: Timing


def write_coco_results(folder: Path, found: DatasetResults, dataset: CocoDataset) -> None:
    """Write results as COCO's test server and other tools take them.

    ``boxes.json`` holds box scores, ``masks.json`` mask scores.

    Args:
        folder: Folder of the files; it is made if need be.
        found: What was found in the data set.
        dataset: Data set that gives the ids of images and categories.
    """
    boxes: list[dict[str, Any]] = []
    masks: list[dict[str, Any]] = []
    category_of = dict(zip(dataset.class_names, dataset.category_ids, strict=True))
    for image, result in zip(found.images, found.results, strict=True):
        image_id = int(dataset.annotations.image_ids[image])
        extents = corners_to_xywh(result.boxes).tolist()
        for index, class_id in enumerate(result.class_ids.tolist()):
            category_id = category_of[found.class_names[class_id]]
            ids = {'image_id': image_id, 'category_id': category_id}
            box = [round(value, 1) for value in extents[index]]
            boxes.append({**ids, 'bbox': box, 'score': float(result.scores[index])})
            score = float(result.mask_scores[index])
            masks.append({**ids, 'segmentation': _to_text(result.rles[index]), 'score': score})
    for name, records in ((BOX_FILE, boxes), (MASK_FILE, masks)):
        with replace_when_done(folder / name) as unfinished:
            unfinished.write_text(json.dumps(records))


def _to_text(rle: Rle) -> Rle:
    counts = rle['counts']
    return {**rle, 'counts': counts.decode('ascii') if isinstance(counts, bytes) else counts}
