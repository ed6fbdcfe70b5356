"""Fast NMS in arrays of fixed size, for devices that should not be waited for.

``yolact_core.inference.cpu.nms`` works on as many candidates as there are, which a GPU has to
tell the CPU in the middle of the work. Here everything has its size beforehand.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from yolact_core.inference.options import DetectorOptions
from yolact_core.network import Prediction
from yolact_core.network.boxes import decode_boxes, pairwise_iou

PAIRS = 1024  # best pairs of prior and class that take part


class FixedInstances(NamedTuple):
    """The instances of one image, in arrays of fixed size D.

    Attributes:
        boxes: Corners as fractions of the image, best score first, shape (D, 4).
        scores: Shape (D,).
        class_ids: Shape (D,).
        coefficients: Shape (D, K).
        number: How many of them there are; all after these are padding. Shape ().
        is_complete: Whether pairs that took no part could not have changed anything. Shape ().
    """

    boxes: Tensor
    scores: Tensor
    class_ids: Tensor
    coefficients: Tensor
    number: Tensor
    is_complete: Tensor


def select_instances(
    prediction: Prediction, priors: Tensor, class_factors: Tensor, options: DetectorOptions
) -> FixedInstances:
    """Do what ``select_candidates`` and ``fast_nms`` do, without looking at any value.

    Args:
        prediction: Of one image, without the batch dimension.
        priors: Centre form, shape (A, 4).
        class_factors: What scores are multiplied by, shape (C,): 0 for unwanted classes.
        options: What counts as a detection. ``nms`` is taken for ``fast``.
    """
    pair_scores, of_prior, class_ids = _best_pairs(prediction.class_logits, class_factors, options)
    boxes = decode_boxes(prediction.box_offsets[of_prior], priors[of_prior])  # (M, 4)

    same_class = class_ids.unsqueeze(1) == class_ids  # (M, M)
    if options.class_agnostic:
        same_class = torch.ones_like(same_class)
    rivals = same_class.triu_(diagonal=1)  # row: a better pair, column: a worse one
    overlaps = pairwise_iou(boxes, boxes) > options.iou_threshold
    takes_part = rivals.sum(dim=0) < options.top_k
    stays = takes_part & ~(rivals & overlaps).any(dim=0) & (pair_scores > options.score_threshold)

    places = torch.arange(len(stays), device=stays.device)
    wanted = min(options.max_detections, len(stays))
    kept = places.where(stays, len(stays)).topk(wanted, largest=False).values
    kept = kept.clamp(max=len(stays) - 1)
    number = stays.sum()
    is_complete = (number >= options.max_detections) | (pair_scores[-1] <= options.score_threshold)
    return FixedInstances(
        boxes[kept],
        pair_scores[kept],
        class_ids[kept],
        prediction.coefficients[of_prior[kept]],
        number.clamp(max=wanted),
        is_complete,
    )


def _best_pairs(
    class_logits: Tensor, class_factors: Tensor, options: DetectorOptions
) -> tuple[Tensor, Tensor, Tensor]:
    """Return score, prior and class of the best pairs, best first, each of shape (M,).

    Scores of priors that are no candidates are 0.
    """
    scores = class_logits.softmax(dim=1)[:, 1:] * class_factors  # (A, C)
    best_scores, best_classes = scores.max(dim=1)
    if options.class_agnostic:
        scores = best_scores.unsqueeze(1)
    is_candidate = best_scores > options.candidate_threshold
    flat = (scores * is_candidate.unsqueeze(1)).flatten()
    pair_scores, pairs = flat.topk(min(PAIRS, len(flat)))
    of_prior = pairs // scores.shape[1]
    class_ids = best_classes[of_prior] if options.class_agnostic else pairs % scores.shape[1]
    return pair_scores, of_prior, class_ids
