"""Average precision by COCO's rules, computed by pycocotools, and how sure it is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from yolact_core.evaluation.bootstrap import Interval, draw_weights, interval_of
from yolact_core.evaluation.matches import ImageMatches, Kind, accumulate, match_image
from yolact_core.evaluation.weighted import WeightedPrecision, mean_of_defined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolact_core.evaluation.results import ImageResult, ImageTruth

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
AREAS = ('all', 'small', 'medium', 'large')
LIMITS = (1, 10, 100)  # detections per image
STEPS = {percent: IOU_THRESHOLDS.index(percent / 100) for percent in (50, 75, 95)}
LEAST_IMAGES = 2  # that must have objects for an interval

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PrecisionIntervals:
    """Intervals of 95 % of the figures of the same names, in percent; None where undefined."""

    ap: Interval | None = None
    ap50: Interval | None = None
    ap75: Interval | None = None
    ap95: Interval | None = None
    by_class: dict[str, Interval | None] = dataclasses.field(default_factory=dict)
    ap50_by_class: dict[str, Interval | None] = dataclasses.field(default_factory=dict)


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
        ap50_by_class: ``ap50`` of each class.
        intervals: How sure the figures are; None if images were not drawn anew.
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
    ap50_by_class: dict[str, float | None] = dataclasses.field(default_factory=dict)
    intervals: PrecisionIntervals | None = None


def coco_precision(
    truths: Sequence[ImageTruth],
    results: Sequence[ImageResult],
    class_names: Sequence[str],
    kind: Kind,
    resamples: int = 0,
) -> AveragePrecision:
    """Evaluate boxes or masks by COCO's rules.

    Args:
        truths: Objects of each image.
        results: What was found in each of the same images.
        class_names: Names of all classes that take part.
        kind: ``bbox`` ranks by ``scores``, ``segm`` by ``mask_scores``.
        resamples: How often images are drawn for the intervals; 0 leaves them out.

    Raises:
        InputError: pycocotools is not installed.
    """
    matches = [
        match_image(truth, result, kind) for truth, result in zip(truths, results, strict=True)
    ]
    found = precision_of_matches(matches, class_names, kind)
    if not resamples:
        return found
    intervals = precision_intervals(matches, class_names, resamples)
    return dataclasses.replace(found, intervals=intervals)


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
    by_class = {
        name: _percent(precision[:, :, index, 0, -1]) for index, name in enumerate(class_names)
    }
    ap50_by_class = {
        name: _percent(precision[STEPS[50], :, index, 0, -1])
        for index, name in enumerate(class_names)
    }
    by_area = {area: _percent(precision[..., index, -1]) for index, area in enumerate(AREAS)}
    recall_by_area = {area: _percent(recall[..., index, -1]) for index, area in enumerate(AREAS)}
    recall_by_limit = {
        limit: _percent(recall[..., 0, index]) for index, limit in enumerate(LIMITS)
    }
    return AveragePrecision(
        ap=by_area['all'],
        ap50=by_iou[STEPS[50]],
        ap75=by_iou[STEPS[75]],
        ap95=by_iou[STEPS[95]],
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
        by_class=by_class,
        ap50_by_class=ap50_by_class,
    )


def precision_intervals(
    matches: Sequence[ImageMatches], class_names: Sequence[str], resamples: int, seed: int = 0
) -> PrecisionIntervals:
    """Return how sure average precision is, by a bootstrap over images.

    Objects in a single image say nothing about other images: they have no interval.

    Args:
        matches: Matches of each image.
        class_names: Names of all classes that take part.
        resamples: How often images are drawn.
        seed: Seed of the random numbers.
    """
    seen = np.zeros((len(matches), len(class_names)), np.bool_)
    for image, of_image in enumerate(matches):
        for class_id, of_class in of_image.items():
            seen[image, class_id] = of_class.objects[0] > 0
    if seen.any(axis=1).sum() < LEAST_IMAGES:
        return PrecisionIntervals()
    weights = np.stack(list(draw_weights(len(matches), resamples, seed=seed)))
    drawn = 100 * WeightedPrecision(matches, len(class_names)).by_class(weights)  # (R, C, T)
    by_class = dict(zip(class_names, np.moveaxis(drawn, 1, 0), strict=True))
    is_told = dict(zip(class_names, seen.sum(axis=0) >= LEAST_IMAGES, strict=True))
    return PrecisionIntervals(
        ap=interval_of(mean_of_defined(drawn, axis=(1, 2))),
        **{
            f'ap{percent}': interval_of(mean_of_defined(drawn[..., step], axis=(1,)))
            for percent, step in STEPS.items()
        },
        by_class={
            name: interval_of(mean_of_defined(one, axis=(1,))) if is_told[name] else None
            for name, one in by_class.items()
        },
        ap50_by_class={
            name: interval_of(one[:, STEPS[50]]) if is_told[name] else None
            for name, one in by_class.items()
        },
    )


def _percent(values: Floats) -> float | None:
    """Return the mean of the values that are defined, in percent."""
    defined = values[values > -1]
    return 100 * float(defined.mean()) if defined.size else None
