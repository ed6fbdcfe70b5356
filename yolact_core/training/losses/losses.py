"""All terms of the loss of a batch, weighted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from yolact_core.network import Prediction
from yolact_core.training.losses.boxes import offset_loss, overlap_loss
from yolact_core.training.losses.classes import class_loss, quality_loss
from yolact_core.training.losses.masks import mask_losses, semantic_loss
from yolact_core.training.losses.positives import find_positives, limit_positives

if TYPE_CHECKING:
    from yolact_core.network import Yolact
    from yolact_core.training.losses.options import LossOptions
    from yolact_core.training.matching import Matches


class Losses(NamedTuple):
    """The weighted terms of the loss, each a scalar."""

    box: Tensor
    class_: Tensor
    mask: Tensor
    semantic: Tensor
    mask_iou: Tensor

    def total(self) -> Tensor:
        """Return their sum."""
        return torch.stack(self).sum()


def compute_losses(
    prediction: Prediction,
    semantic_logits: Tensor,
    matches: Matches,
    options: LossOptions,
    network: Yolact | None = None,
    generator: torch.Generator | None = None,
) -> Losses:
    """Compare the prediction for a batch with the truth.

    Images without objects train the background only. Everything is computed in float32, also
    inside an autocast region.

    Args:
        prediction: Prediction of the network for the batch.
        semantic_logits: Output of ``semantic_seg_conv`` on P3, shape (B, C, H, W).
        matches: What each prior has to find.
        options: Weights and limits.
        network: Network that predicted. Default: one with the forms of outputs that the official
            ones have, without mask rescoring.
        generator: Generator that draws the masks to train where an image has too many.
    """
    config = network.config if network else None
    box_loss = overlap_loss if config and config.box_coding == 'distances' else offset_loss
    rescore = network.rescore if network and network.config.mask_rescoring else None
    with torch.autocast(semantic_logits.device.type, enabled=False):
        prediction = Prediction(*(output.float() for output in prediction))
        positives = find_positives(matches)
        box = class_ = mask = semantic = mask_iou = matches.normalizer.new_zeros(())
        if options.box:
            box = box_loss(prediction.box_offsets, matches, positives)
        if options.class_ and config and config.scores == 'sigmoid':
            class_ = quality_loss(prediction.class_logits, matches)
        elif options.class_:
            class_ = class_loss(
                prediction.class_logits, matches.labels, options.negatives_per_positive
            )
        if options.mask:
            chosen = limit_positives(positives, matches.labels, options.masks_to_train, generator)
            mask, mask_iou = mask_losses(prediction, matches.objects, chosen, rescore)
        if options.semantic:
            semantic = semantic_loss(semantic_logits.float(), matches.objects)
    return Losses(
        box=options.box * box / matches.normalizer,
        class_=options.class_ * class_ / matches.normalizer,
        mask=options.mask * mask / matches.normalizer,
        semantic=options.semantic * semantic,
        mask_iou=options.mask_iou * mask_iou / matches.normalizer,
    )
