"""Average precision by COCO's rules: computed by pycocotools, or of weighted images."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from yolact_core.evaluation.matches import ImageMatches, Kind, accumulate, match_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolact_core.evaluation.results import ImageResult, ImageTruth

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
AREAS = ('all', 'small', 'medium', 'large')
LIMITS = (1, 10, 100)  # detections per image
RECALLS = np.linspace(0.0, 1.0, 101)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AveragePrecision:
    """Average precision and recall of boxes or of masks, in percent; None where undefined.

    Args:
        ap: Mean over IoU thresholds 0.50, 0.55, ... 0.95 and over classes.
        ap50: AP at IoU 0.50.
        ap75: AP at IoU 0.75.
        ap95: AP at IoU 0.95, which tells how exact masks are.
        small: ``ap`` of objects under 32 x 32 pixels.
        medium: ``ap`` of objects between.
        large: ``ap`` of objects over 96 x 96 pixels.
        recall_1: Mean recall with 1 detection per image.
        recall_10: Mean recall with 10 detections per image.
        recall_100: Mean recall with 100 detections per image.
        recall_small: ``recall_100`` of small objects.
        recall_medium: ``recall_100`` of medium objects.
        recall_large: ``recall_100`` of large objects.
        by_iou: AP at each of the ten thresholds.
        by_class: ``ap`` of each class.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap95: float | None
    small: float | None = None
    medium: float | None = None
    large: float | None = None
    recall_1: float | None = None
    recall_10: float | None = None
    recall_100: float | None = None
    recall_small: float | None = None
    recall_medium: float | None = None
    recall_large: float | None = None
    by_iou: tuple[float | None, ...] = ()
    by_class: dict[str, float | None] = dataclasses.field(default_factory=dict)


def coco_precision(
    truths: Sequence[ImageTruth],
    results: Sequence[ImageResult],
    class_names: Sequence[str],
    kind: Kind,
) -> AveragePrecision:
    """Evaluate boxes or masks by COCO's rules.

    Args:
        truths: Objects of each image.
        results: What was found in each of the same images.
        class_names: Names of all classes that take part.
        kind: ``bbox`` ranks by ``scores``, ``segm`` by ``mask_scores``.

    Raises:
        InputError: pycocotools is not installed.
    """
    matches = [
        match_image(truth, result, kind) for truth, result in zip(truths, results, strict=True)
    ]
    return precision_of_matches(matches, class_names, kind)


def precision_of_matches(
    matches: Sequence[ImageMatches], class_names: Sequence[str], kind: Kind
) -> AveragePrecision:
    """Sum up by COCO's rules what was matched image by image.

    Args:
        matches: Matches of each image.
        class_names: Names of all classes that take part.
        kind: What was matched.
    """
    precision, recall = accumulate(matches, len(class_names), kind)
    by_iou = tuple(_percent(step) for step in precision[..., 0, -1])
    by_class = [_percent(precision[:, :, index, 0, -1]) for index in range(len(class_names))]
    by_area = {area: _percent(precision[..., index, -1]) for index, area in enumerate(AREAS)}
    recall_by_area = {area: _percent(recall[..., index, -1]) for index, area in enumerate(AREAS)}
    recall_by_limit = {
        limit: _percent(recall[..., 0, index]) for index, limit in enumerate(LIMITS)
    }
    return AveragePrecision(
        ap=by_area['all'],
        ap50=by_iou[IOU_THRESHOLDS.index(0.5)],
        ap75=by_iou[IOU_THRESHOLDS.index(0.75)],
        ap95=by_iou[IOU_THRESHOLDS.index(0.95)],
        small=by_area['small'],
        medium=by_area['medium'],
        large=by_area['large'],
        recall_1=recall_by_limit[1],
        recall_10=recall_by_limit[10],
        recall_100=recall_by_limit[100],
        recall_small=recall_by_area['small'],
        recall_medium=recall_by_area['medium'],
        recall_large=recall_by_area['large'],
        by_iou=by_iou,
        by_class=dict(zip(class_names, by_class, strict=True)),
    )


class WeightedPrecision:
    """Average precision, as a fraction, of weighted images: the bootstrap needs it many times.

    Args:
        matches: Matches of each image.
        class_count: Number of classes.
    """

    def __init__(self, matches: Sequence[ImageMatches], class_count: int) -> None:
        self._classes = [
            _ClassCurve(matches, class_id)
            for class_id in range(class_count)
            if any(class_id in one for one in matches)
        ]

    def __call__(self, weights: Floats) -> float:
        """Return mean AP over classes that have objects."""
        values = [curve(weights) for curve in self._classes]
        defined = [value for value in values if value is not None]
        return float(np.mean(defined)) if defined else float('nan')


class _ClassCurve:
    """Detections of one class in all images, best score first."""

    def __init__(self, matches: Sequence[ImageMatches], class_id: int) -> None:
        present = [(image, one[class_id]) for image, one in enumerate(matches) if class_id in one]
        images = np.concatenate([np.full(len(one.scores), image) for image, one in present])
        scores = np.concatenate([one.scores for _, one in present])
        order = np.argsort(-scores, kind='mergesort')
        is_match = np.concatenate([one.is_match[0] for _, one in present], axis=1)[:, order]
        is_ignored = np.concatenate([one.is_ignored[0] for _, one in present], axis=1)[:, order]
        self._images = images[order].astype(np.int64)
        self._hits, self._misses = is_match & ~is_ignored, ~is_match & ~is_ignored  # (T, D)
        self._objects = np.zeros(len(matches))
        for image, one in present:
            self._objects[image] = one.objects[0]

    def __call__(self, weights: Floats) -> float | None:
        """Return mean AP over IoU thresholds, at COCO's 101 recalls; None without objects."""
        objects = weights @ self._objects
        if objects == 0:
            return None
        of_each = weights[self._images]
        hits = np.cumsum(self._hits * of_each, axis=1)
        misses = np.cumsum(self._misses * of_each, axis=1)
        precision = hits / (hits + misses + np.spacing(1))
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        padded = np.concatenate([precision, np.zeros((len(precision), 1))], axis=1)
        recall = hits / objects
        rows = zip(padded, recall, strict=True)
        return float(np.mean([row[np.searchsorted(reached, RECALLS)] for row, reached in rows]))


def _percent(values: Floats) -> float | None:
    """Return the mean of the values that are defined, in percent."""
    defined = values[values > -1]
    return 100 * float(defined.mean()) if defined.size else None
