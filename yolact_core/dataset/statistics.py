"""What a data set looks like, and which priors suit its objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from yolact_core.config import AnchorConfig
from yolact_core.network.boxes import cxcywh_to_xyxy, level_sizes, make_priors, pairwise_iou

if TYPE_CHECKING:
    from yolact_core.dataset.annotations import Annotations

SMALL, LARGE = 32**2, 96**2  # pixels of area where COCO's size classes meet
MATCH = 0.5  # IoU from which a prior learns an object by itself
ROUGH_SAMPLE, FINE_SAMPLE = 200, 2000  # boxes that candidates, and the best one, are judged by
BLOCK = 64  # boxes that are compared with all priors at once
ROUNDS = 100  # of k-means; it ends sooner when nothing changes
FIRST_STRIDE = 8  # pixels of the input to a cell of P3; it doubles from level to level
SIZES_IN_CELLS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)  # YOLACT's own scales are 3 cells

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClassCount:
    """How often a class occurs.

    Args:
        name: Name of the class.
        objects: Number of objects, crowds not counted.
        images: Number of images that show it.
        crowds: Number of annotations that mark groups of it.
        sizes: Number of objects that are small, medium and large by COCO's measure.
    """

    name: str
    objects: int
    images: int
    crowds: int
    sizes: tuple[int, int, int]


@dataclass(frozen=True)
class DatasetStatistics:
    """What a data set looks like.

    Args:
        images: Number of images.
        empty_images: Number of images that show no object.
        image_sizes: Smallest, middle and largest height and width in pixels, shape (3, 2).
        objects_per_image: Least, mean and greatest number of objects in an image.
        classes: Counts of each class, in the order of class ids.
    """

    images: int
    empty_images: int
    image_sizes: tuple[tuple[int, int], ...]
    objects_per_image: tuple[int, float, int]
    classes: tuple[ClassCount, ...]


def describe(annotations: Annotations) -> DatasetStatistics:
    """Count what is in a data set."""
    owners = np.repeat(np.arange(len(annotations.image_ids)), np.diff(annotations.starts))
    per_image = np.bincount(owners[~annotations.is_crowd], minlength=len(annotations.image_ids))
    sizes = annotations.sizes if len(annotations.sizes) else np.zeros((1, 2), dtype=np.int32)
    quantiles = np.quantile(sizes, [0, 0.5, 1], axis=0, method='nearest').tolist()
    return DatasetStatistics(
        images=len(per_image),
        empty_images=int((per_image == 0).sum()),
        image_sizes=tuple((height, width) for height, width in quantiles),
        objects_per_image=(
            int(per_image.min()) if len(per_image) else 0,
            float(per_image.mean()) if len(per_image) else 0.0,
            int(per_image.max(initial=0)),
        ),
        classes=tuple(
            _count_class(annotations, owners, class_id)
            for class_id in range(len(annotations.class_names))
        ),
    )


def _count_class(
    annotations: Annotations, owners: npt.NDArray[np.int64], class_id: int
) -> ClassCount:
    of_class = annotations.class_ids == class_id
    real = of_class & ~annotations.is_crowd
    areas = annotations.areas[real]
    small, large = int((areas < SMALL).sum()), int((areas > LARGE).sum())
    return ClassCount(
        name=annotations.class_names[class_id],
        objects=int(real.sum()),
        images=len(np.unique(owners[real])),
        crowds=int((of_class & annotations.is_crowd).sum()),
        sizes=(small, len(areas) - small - large, large),
    )


@dataclass(frozen=True)
class PriorFit:
    """How well priors suit the objects of a data set.

    Args:
        anchors: Scales in pixels of the input, and aspect ratios.
        recall: Share of objects that some prior overlaps with an IoU of at least 0.5.
        mean_iou: Mean over the objects of the IoU with their best prior.
    """

    anchors: AnchorConfig
    recall: float
    mean_iou: float


def object_boxes(annotations: Annotations) -> Floats:
    """Return the corners of all objects but crowds, as fractions of their images, (N, 4)."""
    owners = np.repeat(np.arange(len(annotations.image_ids)), np.diff(annotations.starts))
    chosen = ~annotations.is_crowd & np.all(annotations.boxes[:, 2:] > 0, axis=1)
    extents = annotations.sizes[owners[chosen]][:, ::-1]  # (N, 2) width, height
    low, size = np.split(annotations.boxes[chosen], 2, axis=1)
    boxes: Floats = np.concatenate([low / extents, (low + size) / extents], axis=1)
    return boxes


def assess_priors(boxes: Floats, anchors: AnchorConfig, input_size: int) -> PriorFit:
    """Lay out priors and compare them with objects.

    Args:
        boxes: Corners as fractions of the image, shape (N, 4).
        anchors: Priors, whose scales are in pixels of the network's input.
        input_size: Side of the network's input, to which images are stretched.
    """
    sample = torch.from_numpy(_thin_out(boxes, FINE_SAMPLE).astype(np.float32))
    if len(sample) == 0:
        return PriorFit(anchors, 0.0, 0.0)
    cells = level_sizes(input_size, (FIRST_STRIDE,), len(anchors.scales))
    corners = cxcywh_to_xyxy(make_priors(anchors, cells, input_size))
    iou = torch.cat([pairwise_iou(block, corners).amax(dim=1) for block in sample.split(BLOCK)])
    return PriorFit(anchors, float((iou >= MATCH).float().mean()), float(iou.mean()))


def fit_priors(boxes: Floats, current: AnchorConfig, input_size: int) -> PriorFit:
    """Choose as many scales and aspect ratios as there are now for the objects of a data set.

    Aspect ratios are clustered, or stay. Scales are clustered, or so many cells of their level,
    as YOLACT's own are. Of these candidates the one with the best recall and IoU is returned, so
    that it is never worse than the current one.

    Args:
        boxes: Corners as fractions of the image, shape (N, 4).
        current: Priors that give the number of scales and aspect ratios.
        input_size: Side of the network's input, to which images are stretched.
    """
    candidates = [current, *_candidates(boxes, current, input_size)] if len(boxes) else [current]
    sample = _thin_out(boxes, ROUGH_SAMPLE)
    fits = [assess_priors(sample, candidate, input_size) for candidate in candidates]
    best = max(fits, key=lambda fit: fit.recall + fit.mean_iou)
    return assess_priors(boxes, best.anchors, input_size)


def _candidates(boxes: Floats, current: AnchorConfig, input_size: int) -> list[AnchorConfig]:
    extents = (boxes[:, 2:] - boxes[:, :2]) * input_size
    levels, per_level = len(current.scales), len(current.scales[0])
    strides = FIRST_STRIDE * 2.0 ** np.arange(levels)[:, None]  # (levels, 1)
    octaves = 2.0 ** (np.arange(per_level) / per_level)  # (per_level,)
    clustered = _cluster(np.log(extents.prod(axis=1)) / 2, levels * per_level)
    scales = [np.exp(clustered).reshape(levels, per_level).clip(min=strides)]
    scales += [cells * strides * octaves for cells in SIZES_IN_CELLS]
    ratios = np.exp(_cluster(np.log(extents[:, 0] / extents[:, 1]), len(current.aspect_ratios)))
    shapes = [current.aspect_ratios, tuple(round(ratio, 2) for ratio in ratios.tolist())]
    return [
        AnchorConfig(
            tuple(tuple(round(scale, 1) for scale in level) for level in one.tolist()), shape
        )
        for one in scales
        for shape in shapes
    ]


def _cluster(values: Floats, count: int) -> Floats:
    """Return the centres of k-means on a line, in rising order; it starts from quantiles.

    Logarithms of sizes, or of shapes, are as far apart as the boxes' IoU is small: for boxes that
    share centre and shape, IoU is exp(-2 |difference|).
    """
    centres: Floats = np.quantile(values, (np.arange(count) + 0.5) / count)
    for _ in range(ROUNDS):
        nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, values)
        members = np.bincount(nearest, minlength=count)
        sums = np.bincount(nearest, weights=values, minlength=count)
        moved = np.where(members > 0, sums / np.maximum(members, 1), centres)
        if np.allclose(moved, centres):
            break
        centres = moved
    return np.sort(centres)


def _thin_out(boxes: Floats, most: int) -> Floats:
    """Return about so many boxes, evenly spread, if there are more."""
    return boxes[:: max(1, len(boxes) // most)]
