"""What a data set looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from yolact_core.dataset.annotations import Annotations

SMALL, LARGE = 32**2, 96**2  # pixels of area where COCO's size classes meet


@dataclass(frozen=True)
class ClassCount:
    """How often a class occurs.

    Args:
        name: Of the class.
        objects: How many, crowds not counted.
        images: How many show it.
        crowds: How many annotations mark groups of it.
        sizes: How many objects are small, medium and large by COCO's measure.
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
        images: How many.
        empty_images: How many show no object.
        image_sizes: Smallest, middle and largest height and width in pixels, shape (3, 2).
        objects_per_image: Least, mean and most.
        classes: In the order of class ids.
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
