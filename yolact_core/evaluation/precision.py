"""Average precision by COCO's rules, computed by pycocotools."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.segmentation import coco_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolact_core.evaluation.results import ImageResult, ImageTruth

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
AREAS = ('all', 'small', 'medium', 'large')
LIMITS = (1, 10, 100)  # detections per image

Kind = Literal['bbox', 'segm']
Record = dict[str, Any]


@dataclass(frozen=True)
class AveragePrecision:
    """Average precision and recall of boxes or of masks, in percent; None where undefined.

    Args:
        ap: Mean over IoU thresholds 0.50, 0.55, ... 0.95 and over classes.
        ap50: At IoU 0.50.
        ap75: At IoU 0.75.
        ap95: At IoU 0.95, which tells how exact masks are.
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
        truths: Of each image.
        results: Of the same images.
        class_names: Of all classes that take part.
        kind: ``bbox`` ranks by ``scores``, ``segm`` by ``mask_scores``.

    Raises:
        InputError: pycocotools is not installed.
    """
    coco_mask()
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(
            _to_coco(truths, [_truth_records(truth) for truth in truths], class_names),
            _to_coco(truths, [_result_records(result, kind) for result in results], class_names),
            kind,
        )
        evaluation.evaluate()
        evaluation.accumulate()
    precision: npt.NDArray[np.float64] = evaluation.eval['precision']  # (T, R, C, areas, limits)
    recall: npt.NDArray[np.float64] = evaluation.eval['recall']  # (T, C, areas, limits)
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


def _percent(values: npt.NDArray[np.float64]) -> float | None:
    """Return the mean of the values that are defined, in percent."""
    defined = values[values > -1]
    return 100 * float(defined.mean()) if defined.size else None


def _to_coco(
    truths: Sequence[ImageTruth], records: list[list[Record]], class_names: Sequence[str]
) -> Any:  # noqa: ANN401 - a class of pycocotools
    from pycocotools.coco import COCO

    coco = COCO()
    annotations = [
        {'image_id': image_id, **record}
        for image_id, of_image in enumerate(records, start=1)
        for record in of_image
    ]
    for annotation_id, annotation in enumerate(annotations, start=1):  # 0 would mean no match
        annotation['id'] = annotation_id
    coco.dataset = {
        'images': [
            {'id': image_id, 'height': truth.size[0], 'width': truth.size[1]}
            for image_id, truth in enumerate(truths, start=1)
        ],
        'categories': [
            {'id': category_id, 'name': name} for category_id, name in enumerate(class_names, 1)
        ],
        'annotations': annotations,
    }
    coco.createIndex()
    return coco


def _truth_records(truth: ImageTruth) -> list[Record]:
    return [
        {
            'category_id': class_id + 1,
            'bbox': _to_xywh(box),
            'segmentation': rle,
            'area': area,
            'iscrowd': int(is_crowd),
        }
        for class_id, box, rle, area, is_crowd in zip(
            truth.class_ids.tolist(),
            truth.boxes.tolist(),
            truth.rles,
            truth.areas.tolist(),
            truth.is_crowd.tolist(),
            strict=True,
        )
    ]


def _result_records(result: ImageResult, kind: Kind) -> list[Record]:
    scores = result.scores if kind == 'bbox' else result.mask_scores
    areas = (
        (result.boxes[:, 2:] - result.boxes[:, :2]).prod(axis=1)
        if kind == 'bbox'
        else coco_mask().area(result.rles)
    )
    return [
        {
            'category_id': class_id + 1,
            'bbox': _to_xywh(box),
            'segmentation': rle,
            'area': area,
            'iscrowd': 0,
            'score': score,
        }
        for class_id, box, rle, area, score in zip(
            result.class_ids.tolist(),
            result.boxes.tolist(),
            result.rles,
            areas.tolist(),
            scores.tolist(),
            strict=True,
        )
    ]


def _to_xywh(box: list[float]) -> list[float]:
    x1, y1, x2, y2 = box
    return [x1, y1, x2 - x1, y2 - y1]
