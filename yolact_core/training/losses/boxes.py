"""What is wrong with boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torchvision.ops import generalized_box_iou_loss

from yolact_core.network.boxes import decode_boxes, encode_boxes

if TYPE_CHECKING:
    from torch import Tensor

    from yolact_core.training.losses.positives import Positives
    from yolact_core.training.matching import Matches


def offset_loss(box_offsets: Tensor, matches: Matches, positives: Positives) -> Tensor:
    """Compare offsets of positive priors with those of their objects (smooth L1), summed."""
    truth = encode_boxes(
        matches.objects.boxes[positives.objects], matches.priors[positives.priors]
    )
    return F.smooth_l1_loss(
        box_offsets[positives.images, positives.priors], truth, reduction='sum'
    )


def overlap_loss(distances: Tensor, matches: Matches, positives: Positives) -> Tensor:
    """Return 1 - GIoU of each positive box with its object, weighted by its quality."""
    found = decode_boxes(
        distances[positives.images, positives.priors],
        matches.priors[positives.priors],
        'distances',
    )
    truth = matches.objects.boxes[positives.objects]
    qualities = matches.qualities[positives.images, positives.priors]
    loss: Tensor = (generalized_box_iou_loss(found, truth) * qualities).sum()
    return loss
