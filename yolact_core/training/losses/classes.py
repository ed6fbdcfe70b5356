"""What is wrong with scores of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from yolact_core.training.matching import Matches


def class_loss(class_logits: Tensor, labels: Tensor, negatives_per_positive: int) -> Tensor:
    """Return the cross-entropy of positive priors and of the hardest negatives, summed."""
    takes_part = (labels > 0) | select_negatives(class_logits, labels, negatives_per_positive)
    return F.cross_entropy(class_logits[takes_part], labels[takes_part], reduction='sum')


def quality_loss(class_logits: Tensor, matches: Matches) -> Tensor:
    """Compare scores with the qualities of the centres (quality focal loss; GFL, section 3.2)."""
    truth = F.one_hot(matches.labels.clamp(min=0), class_logits.shape[2] + 1)[..., 1:]
    truth = truth * matches.qualities.unsqueeze(2)
    focus = (truth - class_logits.sigmoid()).square().detach()
    errors = F.binary_cross_entropy_with_logits(class_logits, truth, reduction='none')
    loss: Tensor = (errors * focus)[matches.labels >= 0].sum()
    return loss


def select_negatives(class_logits: Tensor, labels: Tensor, per_positive: int) -> Tensor:
    """Pick the background priors that look most like objects, image by image (OHEM).

    Args:
        class_logits: Class logits, background first, shape (B, A, C + 1).
        labels: Labels of the priors (see ``Matches``), shape (B, A).
        per_positive: Number of negatives for each positive prior; an image without positive
            priors counts as having one.

    Returns:
        Whether each prior is picked, shape (B, A).
    """
    with torch.no_grad():
        objectness = class_logits.logsumexp(dim=2) - class_logits[..., 0]
        is_negative = labels == 0
        order = objectness.masked_fill(~is_negative, -torch.inf).argsort(dim=1, descending=True)
        positives = (labels > 0).sum(dim=1, keepdim=True).clamp(min=1)
        is_first = torch.arange(labels.shape[1], device=labels.device) < per_positive * positives
        is_picked = torch.zeros_like(is_negative).scatter_(1, order, is_first)
    return is_picked & is_negative
