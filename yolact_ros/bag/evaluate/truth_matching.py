"""What was found in an image against its truth: for AP, for quality, and for tracks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.segmentation import Rle, coco_mask
from yolact_core.detections import Detections
from yolact_core.evaluation.matches import agree, match_image
from yolact_core.evaluation.results import ImageResult
from yolact_core.evaluation.tracks import TrackedImage
from yolact_ros.bag.evaluate.following import TrackedDetections
from yolact_ros.bag.evaluate.records import TruthMatch
from yolact_ros.bag.evaluate.truth import FrameTruth

LEAST_INSIDE = 0.5  # share of a mask in an object that need not be found, which forgives it


def match_truth(
    result: ImageResult,
    found: Detections,
    rles: list[Rle],
    tracked: TrackedDetections | None,
    truth: FrameTruth,
) -> TruthMatch:
    """Compare all detections (for AP), those that count as found, and tracks with the truth.

    Args:
        result: All detections.
        found: Detections that count as found.
        rles: Masks of these.
        tracked: Detections that have a track; None if they are not followed.
        truth: Objects in the image.

    Raises:
        InputError: An id occurs twice.
    """
    wanted = np.flatnonzero(~truth.image.is_crowd)
    agreement = agree(
        rles,
        found.class_ids,
        [truth.image.rles[index] for index in wanted],
        truth.image.class_ids[wanted],
    )
    known = [
        (truth.tracks[index], bool(is_found))
        for index, is_found in zip(wanted, agreement.is_paired, strict=True)
        if truth.tracks[index]
    ]
    return TruthMatch(
        box=match_image(truth.image, result, 'bbox'),
        mask=match_image(truth.image, result, 'segm'),
        quality=agreement.quality,
        tracks=tuple(track for track, _ in known),
        is_found=tuple(is_found for _, is_found in known),
        identities=None if tracked is None else compare_identities(tracked, truth),
    )


def compare_identities(tracked: TrackedDetections, truth: FrameTruth) -> TrackedImage:
    """Compare tracks with objects that have an id; what lies in another object does not count.

    Raises:
        InputError: An id occurs twice.
    """
    rles = tracked.detections.masks.coco_rles()
    has_id = np.array([bool(one) for one in truth.tracks], np.bool_) & ~truth.image.is_crowd
    wanted, others = (np.flatnonzero(one).tolist() for one in (has_id, ~has_id))
    forgiving = [truth.image.rles[index] for index in others]
    shares = _overlap(rles, forgiving, is_crowd=True)
    kept = np.flatnonzero((shares <= LEAST_INSIDE).all(axis=1)).tolist()
    objects = [truth.image.rles[index] for index in wanted]
    return TrackedImage(
        truth=tuple(truth.tracks[index] for index in wanted),
        found=tuple(tracked.ids[index] for index in kept),
        similarity=_overlap(objects, [rles[index] for index in kept]),
    )


def _overlap(
    first: Sequence[Rle], second: Sequence[Rle], *, is_crowd: bool = False
) -> npt.NDArray[np.float64]:
    """Return IoU of each mask with each, shape (N, M), or its share that is in a crowd."""
    overlaps = coco_mask().iou(list(first), list(second), [int(is_crowd)] * len(second))
    return np.array(overlaps, np.float64).reshape(len(first), len(second))
