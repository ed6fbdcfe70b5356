"""Fast NMS in arrays of fixed size, for devices that should not be waited for.

``yolact_core.inference.nms`` works on as many candidates as there are, a number that the CPU
would have to wait for in the middle of the work. Here all sizes are known beforehand.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from yolact_core.config import ModelConfig
from yolact_core.inference.options import DetectorOptions
from yolact_core.network import Prediction
from yolact_core.network.boxes import decode_boxes, pairwise_iou
from yolact_core.network.candidates import Candidates
from yolact_core.network.scores import class_scores, may_score

PAIRS = 1024  # best pairs of prior and class, which take part in NMS


class FixedInstances(NamedTuple):
    """The instances of one image, in arrays of fixed size D.

    Attributes:
        boxes: Corners as fractions of the image, best score first, shape (D, 4).
        scores: Class score of each instance, shape (D,).
        class_ids: Class of each instance, 0-based, shape (D,).
        coefficients: Mask coefficients of each instance, shape (D, K).
        number: Number of instances; the rest of the arrays is padding. Shape ().
        is_complete: Whether the pairs that took no part could not have changed the result.
            Shape ().
    """

    boxes: Tensor
    scores: Tensor
    class_ids: Tensor
    coefficients: Tensor
    number: Tensor
    is_complete: Tensor


def select_instances(
    prediction: Prediction | Candidates,
    priors: Tensor,
    class_factors: Tensor,
    options: DetectorOptions,
    config: ModelConfig,
) -> FixedInstances:
    """Do what ``select_candidates`` and ``fast_nms`` do, without looking at any value.

    Args:
        prediction: Prediction for one image, without the batch dimension. Where a graph picked
            all of its priors and all are candidates, the result counts as incomplete.
        priors: Priors in centre form, shape (A, 4).
        class_factors: Factors of the scores, 0 for unwanted classes, shape (C,).
        options: What counts as a detection. ``nms`` counts as ``fast``.
        config: Configuration of the network.
    """
    scores = class_scores(prediction.class_logits, config.scores) * class_factors  # (A, C)
    pair_scores, of_prior, class_ids = _best_pairs(scores, options)
    own_priors = prediction.pick_priors(priors)
    boxes = decode_boxes(  # (M, 4)
        prediction.box_offsets[of_prior], own_priors[of_prior], config.box_coding
    )

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
    if len(own_priors) < len(priors):
        may_be_more = may_score(prediction.class_logits, options.least_score, config.scores).all()
        is_complete &= ~may_be_more
    return FixedInstances(
        boxes[kept],
        pair_scores[kept],
        class_ids[kept],
        prediction.coefficients[of_prior[kept]],
        number.clamp(max=wanted),
        is_complete,
    )


def _best_pairs(scores: Tensor, options: DetectorOptions) -> tuple[Tensor, Tensor, Tensor]:
    """Return score, prior and class of the best pairs, best first, each of shape (M,).

    Priors that are no candidates score 0.
    """
    best_scores, best_classes = scores.max(dim=1)
    if options.class_agnostic:
        scores = best_scores.unsqueeze(1)
    is_candidate = best_scores > options.candidate_threshold
    flat = (scores * is_candidate.unsqueeze(1)).flatten()
    pair_scores, pairs = flat.topk(min(PAIRS, len(flat)))
    of_prior = pairs // scores.shape[1]
    class_ids = best_classes[of_prior] if options.class_agnostic else pairs % scores.shape[1]
    return pair_scores, of_prior, class_ids
