"""Which centre has to find which object, where distances to the sides are predicted.

The dynamic matching of OTA (Ge et al., CVPR 2021) in the simple form that NanoDet and YOLOX train
with: an object takes the centres inside it whose boxes and scores fit it best, and the more of
them, the better their boxes fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from yolact_core.network.boxes import (
    box_areas,
    cxcywh_to_xyxy,
    decode_boxes,
    pairwise_iou,
    xyxy_to_cxcywh,
)
from yolact_core.training.matching import (
    BACKGROUND,
    IGNORED,
    Matches,
    MatchingOptions,
    is_in_crowd,
    join_objects,
    number_objects,
    pad_images,
)

if TYPE_CHECKING:
    from yolact_core.dataset.sample import Targets
    from yolact_core.network import Prediction

LEAST_IOU = 1e-3  # so that centres are ranked where no box fits yet
LEAST_SCORE = 0.3
LEAST_QUALITY = 0.2  # of a centre that has to find an object


@torch.no_grad()
def match_centres(
    prediction: Prediction, priors: Tensor, targets: Targets, options: MatchingOptions
) -> Matches:
    """Give each object the centres that fit it best.

    Args:
        prediction: Prediction for the batch, with distances and sigmoid scores.
        priors: Squares of one stride around the centres, as fractions of the image, (A, 4).
        targets: Truth of the batch, on the same device.
        options: How many centres an object takes, and when one lies in a crowd.
    """
    objects = join_objects(targets)
    boxes, ids = pad_images(targets.boxes), pad_images(number_objects(targets.boxes))
    class_ids = pad_images(targets.class_ids)  # (B, N)
    found = decode_boxes(prediction.box_offsets.float(), priors, 'distances')  # (B, A, 4)
    allowed = _is_inside(priors, boxes) & (box_areas(boxes) > 0).unsqueeze(2)  # (B, N, A)
    iou = pairwise_iou(boxes, found) * allowed
    fit = (iou + LEAST_IOU) * allowed
    if options.by_score:
        logits = prediction.class_logits.float().transpose(1, 2)  # (B, C, A)
        rows = class_ids.unsqueeze(2).expand(-1, -1, logits.shape[2])
        fit = fit * (LEAST_SCORE + logits.gather(1, rows).sigmoid())

    best_fit, best_object = _take_best(fit, iou, options.most_centres).max(dim=1)  # (B, A)
    is_positive = best_fit > 0
    object_ids = ids.gather(1, best_object)
    labels = torch.full_like(object_ids, BACKGROUND)
    crowded = is_in_crowd(cxcywh_to_xyxy(priors), targets.crowd_boxes, options.crowd_coverage)
    labels[crowded] = IGNORED
    labels = torch.where(is_positive, class_ids.gather(1, best_object) + 1, labels)
    qualities = iou.gather(1, best_object.unsqueeze(1)).squeeze(1).clamp(min=LEAST_QUALITY)
    qualities = qualities * is_positive
    return Matches(priors, labels, object_ids, objects, qualities.sum().clamp(min=1), qualities)


def _is_inside(priors: Tensor, boxes: Tensor) -> Tensor:
    """Return whether each centre lies in each box, or at most half a stride beside it.

    Args:
        priors: Squares of one stride around the centres, shape (A, 4).
        boxes: Corners, shape (B, N, 4).

    Returns:
        Shape (B, N, A); of each object that has a size, at least one is true.
    """
    centre, stride = priors.split(2, dim=1)  # (A, 2)
    box_centre, size = xyxy_to_cxcywh(boxes).unsqueeze(2).split(2, dim=-1)  # (B, N, 1, 2)
    inside: Tensor = ((centre - box_centre).abs() <= torch.maximum(size, stride) / 2).all(dim=-1)
    return inside


def _take_best(fit: Tensor, iou: Tensor, most: int) -> Tensor:
    """Keep the best centres of each object: as many as their overlaps add up to.

    Args:
        fit: How well each centre fits each object, 0 where it may not take it, shape (B, N, A).
        iou: Overlap of its box with the object, shape (B, N, A).
        most: Largest number of centres for one object.

    Returns:
        The fit of those that are kept, elsewhere 0, shape (B, N, A).
    """
    most = min(most, fit.shape[2])
    count = iou.topk(most).values.sum(dim=2).round().clamp(min=1)  # (B, N)
    best = fit.topk(most)
    is_kept = torch.arange(most, device=fit.device) < count.unsqueeze(2)
    return torch.zeros_like(fit).scatter_(2, best.indices, best.values * is_kept)
