"""Average precision by the rules of the original's own code, to compare with its figures.

They differ from COCO's: a match needs an IoU above the threshold, not equal to it; boxes are whole
pixels; objects not larger than 4/550 of the image in one direction do not count; and a class that
is found but nowhere present counts as 0, where COCO leaves it out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.annotations import corners_to_xywh
from yolact_core.dataset.segmentation import coco_mask
from yolact_core.evaluation.precision import IOU_THRESHOLDS, STEPS, AveragePrecision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolact_core.evaluation.matches import Kind
    from yolact_core.evaluation.results import ImageResult, ImageTruth

LEAST_EXTENT = 4 / 550  # of the image
RECALL_STEPS = 101

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def original_precision(
    truths: Sequence[ImageTruth],
    results: Sequence[ImageResult],
    class_names: Sequence[str],
    kind: Kind,
) -> AveragePrecision:
    """Evaluate boxes or masks by the original's rules, given what ``coco_precision`` takes."""
    tallies = [_Tally() for _ in class_names]
    for truth, result in zip(truths, results, strict=True):
        _compare_image(truth, result, kind, tallies)
    table = np.array(
        [[tally.precision(step) for step in range(len(IOU_THRESHOLDS))] for tally in tallies]
    )  # (C, T)
    counts = np.array([tally.is_defined for tally in tallies])
    if not counts.any():
        return AveragePrecision(None, None, None, None)
    by_iou = tuple((100 * table[counts].mean(axis=0)).tolist())
    return AveragePrecision(
        ap=float(np.mean(by_iou)),
        ap50=by_iou[STEPS[50]],
        ap75=by_iou[STEPS[75]],
        ap95=by_iou[STEPS[95]],
        by_iou=by_iou,
        by_class=_by_class(class_names, table.mean(axis=1), counts),
        ap50_by_class=_by_class(class_names, table[:, STEPS[50]], counts),
    )


def _by_class(
    class_names: Sequence[str], values: Floats, is_defined: Bools
) -> dict[str, float | None]:
    percents = (100 * values).tolist()
    return {
        name: percent if counts else None
        for name, percent, counts in zip(class_names, percents, is_defined, strict=True)
    }


def average_precision(scores: Floats, is_match: Bools, objects: int) -> float:
    """Return the area under the precision-recall curve, by 101 points of recall.

    Args:
        scores: Score of each detection of one class in all images, in any order, shape (N,).
        is_match: Whether each detection is right, shape (N,).
        objects: Number of objects to find.
    """
    if objects == 0 or len(scores) == 0:
        return 0.0
    matches = is_match[np.argsort(-scores, kind='stable')].cumsum()
    precision = matches / np.arange(1, len(scores) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.arange(RECALL_STEPS) / (RECALL_STEPS - 1)
    reached = np.searchsorted(matches / objects, steps)  # first detection with that recall
    return float(np.append(precision, 0.0)[reached].mean())


@dataclass
class _Tally:
    """What is known about one class after some images."""

    objects: int = 0
    scores: list[float] = field(default_factory=list)
    verdicts: list[npt.NDArray[np.int8]] = field(default_factory=list)  # 1, 0, -1 ignored; (T,)

    @property
    def is_defined(self) -> bool:
        return self.objects > 0 or any((verdict >= 0).any() for verdict in self.verdicts)

    def precision(self, step: int) -> float:
        """Return the average precision at one of the thresholds."""
        verdicts = np.array([verdict[step] for verdict in self.verdicts], dtype=np.int8)
        counts = verdicts >= 0
        scores = np.array(self.scores, dtype=np.float64)
        return average_precision(scores[counts], verdicts[counts] == 1, self.objects)


def _compare_image(
    truth: ImageTruth, result: ImageResult, kind: Kind, tallies: list[_Tally]
) -> None:
    overlaps = _overlaps(truth, result, kind)
    scores = result.scores if kind == 'bbox' else result.mask_scores
    is_object = _is_large_enough(truth)
    for class_id in np.union1d(truth.class_ids, result.class_ids).tolist():
        of_class = is_object & (truth.class_ids == class_id)
        real = np.flatnonzero(of_class & ~truth.is_crowd)
        crowds = np.flatnonzero(of_class & truth.is_crowd)
        found = np.flatnonzero(result.class_ids == class_id)
        found = found[np.argsort(-scores[found], kind='stable')]
        tally = tallies[class_id]
        tally.objects += len(real)
        tally.scores.extend(scores[found].tolist())
        tally.verdicts.extend(_judge(overlaps[found][:, real], overlaps[found][:, crowds]))


def _judge(overlaps: Floats, crowd_overlaps: Floats) -> npt.NDArray[np.int8]:
    """Match detections greedily with objects of their class.

    Args:
        overlaps: IoU of detections, best first, with objects, shape (N, M).
        crowd_overlaps: Share of each detection that lies in each crowd, shape (N, K).

    Returns:
        1 right, 0 wrong, -1 does not count, at each threshold, shape (N, T).
    """
    thresholds = np.array(IOU_THRESHOLDS)
    in_crowd = crowd_overlaps.max(axis=1, initial=0.0)[:, None] > thresholds
    verdicts: npt.NDArray[np.int8] = np.where(in_crowd, -1, 0).astype(np.int8)
    if overlaps.shape[1] == 0:
        return verdicts
    for step, threshold in enumerate(thresholds):
        free = overlaps.copy()
        for index, row in enumerate(free):
            best = row.argmax()
            if row[best] > threshold:
                verdicts[index, step] = 1
                free[:, best] = 0.0
    return verdicts


def _overlaps(truth: ImageTruth, result: ImageResult, kind: Kind) -> Floats:
    """Return the IoU of detections and objects, shape (N, M); in crowds, the share inside."""
    shape = len(result.boxes), len(truth.boxes)
    if 0 in shape:
        return np.zeros(shape)
    is_crowd = truth.is_crowd.astype(np.uint8).tolist()
    overlaps: Floats
    if kind == 'segm':
        overlaps = coco_mask().iou(result.rles, truth.rles, is_crowd)
    else:
        found, objects = np.trunc(result.boxes), truth.boxes
        overlaps = coco_mask().iou(corners_to_xywh(found), corners_to_xywh(objects), is_crowd)
    return overlaps


def _is_large_enough(truth: ImageTruth) -> Bools:
    height, width = truth.size
    extent = (truth.boxes[:, 2:] - truth.boxes[:, :2]) / (width, height)
    is_large: Bools = extent.min(axis=1) > LEAST_EXTENT
    return is_large
