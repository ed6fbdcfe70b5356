"""The original's algorithms written straightforwardly, as what the fast ones are compared with."""

import torch
import torch.nn.functional as F
from torch import Tensor

from yolact_core.boxes import decode_boxes, pairwise_iou
from yolact_core.masks import combine_prototypes, crop_masks


def detect_plainly(
    class_logits: Tensor, box_offsets: Tensor, priors: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Decode everything, score everything, and compare the best 200 of every class.

    Returns:
        Boxes (K, 4), scores (K,) and classes (K,) of the best 100.
    """
    scores = class_logits.softmax(dim=1)[:, 1:].T  # (C, A)
    boxes = decode_boxes(box_offsets, priors)
    is_candidate = scores.amax(dim=0) > 0.05
    scores, boxes = scores[:, is_candidate], boxes[is_candidate]
    scores, order = scores.sort(dim=1, descending=True)
    scores, order = scores[:, :200], order[:, :200]
    ranked = boxes[order]
    overlap = pairwise_iou(ranked, ranked).triu(diagonal=1).amax(dim=1)
    keep = overlap <= 0.5
    class_ids = torch.arange(len(scores)).unsqueeze(1).expand_as(keep)[keep]
    best_scores, best = scores[keep].sort(descending=True)
    best = best[:100]
    return ranked[keep][best], best_scores[:100], class_ids[best]


def assemble_plainly(
    prototypes: Tensor, coefficients: Tensor, boxes: Tensor, size: tuple[int, int]
) -> Tensor:
    """Upsample every mask to the whole image before thresholding; bool, shape (N, H, W)."""
    soft = crop_masks(combine_prototypes(prototypes, coefficients).sigmoid(), boxes)
    return F.interpolate(soft.unsqueeze(0), size, mode='bilinear', align_corners=False)[0] > 0.5
