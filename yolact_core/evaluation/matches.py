"""What was found against what there is, image by image, and average precision from that.

Matching looks at one image at a time, and what it leaves is small: no masks. So it can be done
while a long recording runs, or in many processes, and gives what COCO's rules give on all images
together, to the last digit.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.annotations import corners_to_xywh
from yolact_core.dataset.records import Record
from yolact_core.dataset.segmentation import Rle, coco_mask

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval

    from yolact_core.evaluation.results import ImageResult, ImageTruth

LEAST_MATCH = 0.5  # IoU that is more than half

Kind = Literal['bbox', 'segm']


@dataclass(frozen=True)
class ClassMatches:
    """The detections of one class in one image against its objects.

    Args:
        scores: Scores of at most 100 detections, best first, shape (D,).
        is_match: Whether each is an object, per range of areas and IoU threshold, (R, T, D).
        is_ignored: Whether each counts neither as right nor as wrong, shape (R, T, D).
        objects: Number of objects to find, per range of areas, shape (R,).
    """

    scores: npt.NDArray[np.float64]
    is_match: npt.NDArray[np.bool_]
    is_ignored: npt.NDArray[np.bool_]
    objects: npt.NDArray[np.int64]


ImageMatches = Mapping[int, ClassMatches]


def match_image(truth: ImageTruth, result: ImageResult, kind: Kind) -> ImageMatches:
    """Match what was found in one image by COCO's rules.

    Args:
        truth: Objects of the image.
        result: What was found in the same image.
        kind: ``bbox`` ranks by ``scores``, ``segm`` by ``mask_scores``.

    Returns:
        By class id, for classes that were found or are there.

    Raises:
        InputError: pycocotools is not installed.
    """
    coco_mask()
    from pycocotools.cocoeval import COCOeval

    present = np.union1d(truth.class_ids, result.class_ids).tolist()
    if not present:
        return {}
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(
            _to_coco(truth.size, _truth_records(truth), present),
            _to_coco(truth.size, _result_records(result, kind), present),
            kind,
        )
        evaluation.evaluate()
    ranges = len(evaluation.params.areaRng)
    return {
        class_id: _join(evaluation.evalImgs[index * ranges : (index + 1) * ranges])
        for index, class_id in enumerate(present)
    }


def accumulate(
    matches: Sequence[ImageMatches], class_count: int, kind: Kind
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Compute COCO's precision and recall from the matches of all images.

    Args:
        matches: Matches of each image; their order decides between equal scores.
        class_count: Number of classes.
        kind: What was matched.

    Returns:
        Precision, shape (T, recalls, C, R, limits), and recall, shape (T, C, R, limits), for each
        IoU threshold, class, range of areas and limit of detections; -1 where undefined.
    """
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        parts = [
            _accumulate_class(
                COCOeval(iouType=kind), [one[index] for one in matches if index in one]
            )
            for index in range(class_count)
        ]
    precision, recall = zip(*parts, strict=True)
    return np.concatenate(precision, axis=2), np.concatenate(recall, axis=1)


@dataclass(frozen=True)
class Agreement:
    """Which masks of two sets are the same object.

    Args:
        quality: Sum of the IoU of pairs, divided by the mean size of the two sets, in [0, 1].
        is_paired: Whether each mask of the second set is in a pair, shape (M,).
    """

    quality: float
    is_paired: npt.NDArray[np.bool_]


def agree(
    rles: Sequence[Rle],
    class_ids: npt.NDArray[np.int64],
    other_rles: Sequence[Rle],
    other_class_ids: npt.NDArray[np.int64],
) -> Agreement:
    """Pair masks of the same class that overlap by more than half, the best first.

    The quality is the panoptic one (Kirillov et al. 2019).

    Args:
        rles: Masks of the first set.
        class_ids: Class ids of the first set, shape (N,).
        other_rles: Masks of the second set.
        other_class_ids: Class ids of the second set, shape (M,).

    Raises:
        InputError: pycocotools is not installed.
    """
    is_paired = np.zeros(len(other_rles), np.bool_)
    if not rles and not other_rles:
        return Agreement(1.0, is_paired)
    if not rles or not other_rles:
        return Agreement(0.0, is_paired)
    overlaps = np.array(coco_mask().iou(list(rles), list(other_rles), [0] * len(other_rles)))
    overlaps[class_ids[:, None] != other_class_ids[None, :]] = 0.0
    total = 0.0
    while (best := overlaps.max()) > LEAST_MATCH:
        row, column = np.unravel_index(overlaps.argmax(), overlaps.shape)
        total += float(best)
        is_paired[column] = True
        overlaps[row, :] = overlaps[:, column] = 0.0
    return Agreement(2 * total / (len(rles) + len(other_rles)), is_paired)


def _accumulate_class(
    evaluation: COCOeval, matches: Sequence[ClassMatches]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    parameters = evaluation.params
    parameters.imgIds, parameters.catIds = list(range(len(matches))), [1]
    evaluation._paramsEval = parameters
    evaluation.evalImgs = [
        {
            'dtScores': one.scores,
            'dtMatches': one.is_match[index],
            'dtIgnore': one.is_ignored[index],
            'gtIgnore': np.zeros(one.objects[index]),
        }
        for index in range(len(parameters.areaRng))
        for one in matches
    ]
    evaluation.accumulate(parameters)
    return evaluation.eval['precision'], evaluation.eval['recall']


def _join(by_area: Sequence[Record]) -> ClassMatches:
    """Keep what accumulation needs of what pycocotools says about a class, area by area."""
    return ClassMatches(
        scores=np.array(by_area[0]['dtScores'], dtype=np.float64),
        is_match=np.stack([one['dtMatches'] > 0 for one in by_area]),
        is_ignored=np.stack([one['dtIgnore'].astype(np.bool_) for one in by_area]),
        objects=np.array([np.count_nonzero(one['gtIgnore'] == 0) for one in by_area]),
    )


def _to_coco(size: tuple[int, int], records: list[Record], class_ids: Sequence[int]) -> Any:  # noqa: ANN401 - a class of pycocotools
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {
        'images': [{'id': 1, 'height': size[0], 'width': size[1]}],
        'categories': [{'id': class_id + 1} for class_id in class_ids],
        'annotations': [
            {'image_id': 1, 'id': number, **record}  # 0 would mean no match
            for number, record in enumerate(records, start=1)
        ],
    }
    coco.createIndex()
    return coco


def _truth_records(truth: ImageTruth) -> list[Record]:
    return [
        {
            'category_id': class_id + 1,
            'bbox': box,
            'segmentation': rle,
            'area': area,
            'iscrowd': int(is_crowd),
        }
        for class_id, box, rle, area, is_crowd in zip(
            truth.class_ids.tolist(),
            corners_to_xywh(truth.boxes).tolist(),
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
            'bbox': box,
            'segmentation': rle,
            'area': area,
            'iscrowd': 0,
            'score': score,
        }
        for class_id, box, rle, area, score in zip(
            result.class_ids.tolist(),
            corners_to_xywh(result.boxes).tolist(),
            result.rles,
            np.asarray(areas).tolist(),
            scores.tolist(),
            strict=True,
        )
    ]
