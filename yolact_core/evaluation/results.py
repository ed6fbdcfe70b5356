"""What there is in an image, and what was found, as evaluation compares them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.segmentation import Rle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolact_core.dataset.annotations import Annotations
    from yolact_core.detections import Detections


@dataclass(frozen=True)
class ImageTruth:
    """The objects of one image.

    Args:
        size: Height and width of the image in pixels.
        boxes: Corners x1 y1 x2 y2 in pixels, float64, shape (N, 4).
        class_ids: 0-based, shape (N,).
        is_crowd: Whether it marks a group, which neither finding nor missing counts for, (N,).
        areas: In pixels; they tell small, medium and large, shape (N,).
        rles: Mask of each.
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
        class_ids: 0-based, shape (N,).
        scores: That rank boxes, shape (N,).
        mask_scores: That rank masks, shape (N,).
        rles: Mask of each.
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
    boxes = annotations.boxes[chosen]
    classes = [class_of[int(class_id)] for class_id in annotations.class_ids[chosen]]
    return ImageTruth(
        size=size,
        boxes=np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1),
        class_ids=np.array(classes, dtype=np.int64),
        is_crowd=annotations.is_crowd[chosen],
        areas=annotations.areas[chosen],
        rles=[annotations.segmentations.rle(item, size) for item in chosen],
    )


def result_of_image(detections: Detections, class_of: Mapping[int, int]) -> ImageResult:
    """Return what was found in one image, masks as run lengths.

    Args:
        detections: As the detector gave them.
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
