"""From class logits to the boxes that stay: candidates, Fast NMS and traditional NMS."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import nms

from yolact_core.config import ScoreKind
from yolact_core.network.boxes import pairwise_iou
from yolact_core.network.scores import class_scores, may_score

SHALLOW = 32  # boxes per class that Fast NMS looks at before it knows whether others matter


def class_factors(
    class_names: Sequence[str], wanted: Sequence[str], device: torch.device
) -> Tensor:
    """Return the factor of each class's scores: 1 if the class is wanted, else 0.

    Args:
        class_names: Names of all classes that the network knows.
        wanted: Names of the classes to look for; none means all.
        device: Device of the scores.

    Returns:
        Factors, shape (C,).
    """
    factors = [float(not wanted or name in wanted) for name in class_names]
    return torch.tensor(factors, device=device)


def select_candidates(
    class_logits: Tensor,
    candidate_threshold: float,
    class_factors: Tensor | None = None,
    kind: ScoreKind = 'softmax',
) -> tuple[Tensor, Tensor]:
    """Find the priors that may show an object.

    Scores of all priors are never computed: their logits alone already rule out most of them.

    Args:
        class_logits: Class logits, of a softmax background first, shape (A, C + 1) or (A, C).
        candidate_threshold: Threshold that the best foreground score of a candidate exceeds.
        class_factors: Factors of the scores (see ``class_factors``), shape (C,); None means 1.
        kind: Kind of the logits.

    Returns:
        Indices of the N candidates, shape (N,), and their foreground scores, shape (N, C).
    """
    candidates = may_score(class_logits, candidate_threshold, kind).nonzero().squeeze(1)
    scores = class_scores(class_logits[candidates], kind)
    if class_factors is not None:
        scores = scores * class_factors
    is_candidate = scores.amax(dim=1) > candidate_threshold
    return candidates[is_candidate], scores[is_candidate]


def fast_nms(
    boxes: Tensor,
    scores: Tensor,
    iou_threshold: float,
    top_k: int = 200,
    score_threshold: float = 0.0,
    max_detections: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Drop, class by class, every box that overlaps a better-scored one.

    A dropped box still drops others, which greedy NMS would not allow. That is what turns the
    loop into one triangular matrix per class (YOLACT, section 5).

    Whether a box stays depends on better ones alone. So scores that are not above the threshold
    are not looked at, and a first look at the best few boxes of each class shows which classes
    need a full one. This changes the time, not the result, but for which of equal scores counts
    as the better one.

    Args:
        boxes: Corners (x1, y1, x2, y2) in any one unit, shape (N, 4).
        scores: Score of each box for each foreground class, shape (N, C).
        iou_threshold: Boxes that overlap more than this are the same object.
        top_k: Number of boxes per class that take part.
        score_threshold: Threshold that the score of a returned box exceeds.
        max_detections: Largest number of boxes to return; None means all.

    Returns:
        Indices into ``boxes`` and the class of each, both of shape (K,), best score first.
    """
    counts = (scores > score_threshold).sum(dim=0)  # (C,)
    present = counts.nonzero().squeeze(1)  # (R,)
    if top_k == 0 or len(present) == 0:
        return _nothing(boxes)
    scores = scores.T[present]  # (R, N)
    top_k = min(top_k, int(counts.max()))
    depth = min(SHALLOW, top_k)
    class_scores, order = scores.topk(depth)  # (R, depth)
    kept_scores, kept, rows = _survivors(boxes, class_scores, order, iou_threshold)
    floor = score_threshold
    if max_detections is not None and len(kept_scores) >= max_detections:
        floor = max(floor, float(kept_scores.topk(max_detections).values[-1]))

    unfinished = (class_scores[:, -1] >= floor).nonzero().squeeze(1)
    if depth < top_k and len(unfinished):
        scores = scores[unfinished]
        top_k = min(top_k, int((scores >= floor).sum(dim=1).max()))
        class_scores, order = scores.topk(top_k)
        deep_scores, deep_kept, deep_rows = _survivors(boxes, class_scores, order, iou_threshold)
        is_finished = torch.isin(rows, unfinished, invert=True)
        kept_scores = torch.cat([kept_scores[is_finished], deep_scores])
        kept = torch.cat([kept[is_finished], deep_kept])
        rows = torch.cat([rows[is_finished], unfinished[deep_rows]])

    return _best_first(kept_scores, kept, present[rows], score_threshold, max_detections)


def traditional_nms(
    boxes_px: Tensor,
    scores: Tensor,
    iou_threshold: float,
    score_threshold: float,
    max_detections: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Drop, class by class, every box that overlaps a better-scored one that stays.

    Extents count both border pixels, and boxes that overlap by exactly the threshold are the same
    object, as in the original's evaluation with ``--fast_nms=false``.

    Args:
        boxes_px: Corners in pixels, shape (N, 4).
        scores: Score of each box for each foreground class, shape (N, C).
        iou_threshold: Boxes that overlap as much or more are the same object.
        score_threshold: Threshold that the score of a box must exceed to take part.
        max_detections: Largest number of boxes to return; None means all.

    Returns:
        Indices into ``boxes_px`` and the class of each, both of shape (K,), best score first.
    """
    inclusive = boxes_px + boxes_px.new_tensor([0, 0, 1, 1])
    just_below = float(np.nextafter(np.float32(iou_threshold), np.float32(0)))
    found = [_nothing(boxes_px)]
    for class_id in (scores > score_threshold).any(dim=0).nonzero().flatten().tolist():
        entrants = (scores[:, class_id] > score_threshold).nonzero().squeeze(1)
        kept = entrants[nms(inclusive[entrants], scores[entrants, class_id], just_below)]
        found.append((kept, torch.full_like(kept, class_id)))
    kept, class_ids = (torch.cat(parts) for parts in zip(*found, strict=True))
    return _best_first(scores[kept, class_ids], kept, class_ids, score_threshold, max_detections)


def _survivors(
    boxes: Tensor, class_scores: Tensor, order: Tensor, iou_threshold: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return score, box and row of each box that no better one of its row overlaps.

    Args:
        boxes: Corners, shape (N, 4).
        class_scores: Scores of each class, best first, shape (R, K).
        order: Index of the box that each score belongs to, shape (R, K).
        iou_threshold: Boxes that overlap more than this are the same object.
    """
    ranked = boxes[order]  # (R, K, 4)
    overlaps = pairwise_iou(ranked, ranked) > iou_threshold  # (R, K, K)
    keep = ~overlaps.triu_(diagonal=1).any(dim=1)
    return class_scores[keep], order[keep], keep.nonzero()[:, 0]


def _best_first(
    kept_scores: Tensor,
    kept: Tensor,
    class_ids: Tensor,
    score_threshold: float,
    max_detections: int | None,
) -> tuple[Tensor, Tensor]:
    best_first = kept_scores.argsort(descending=True, stable=True)
    best_first = best_first[kept_scores[best_first] > score_threshold][:max_detections]
    return kept[best_first], class_ids[best_first]


def _nothing(boxes: Tensor) -> tuple[Tensor, Tensor]:
    empty = torch.empty(0, dtype=torch.long, device=boxes.device)
    return empty, empty
