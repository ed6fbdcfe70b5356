"""What is wrong with masks: those of objects, and the planes of classes that help to learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from yolact_core.masks.assembly import combine_prototypes, crop_masks
from yolact_core.masks.tracing import MASK_THRESHOLD
from yolact_core.network.boxes import box_areas

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from yolact_core.network import Prediction
    from yolact_core.training.losses.positives import Positives
    from yolact_core.training.matching import Objects

MIN_RESCORED_AREA = 25  # prototype pixels; smaller masks do not train the rescoring


def mask_losses(
    prediction: Prediction,
    objects: Objects,
    chosen: Positives,
    rescore: Callable[[Tensor], Tensor] | None,
) -> tuple[Tensor, Tensor]:
    """Return the losses of the masks and of their rescoring, both summed over the masks.

    Each mask is compared inside its true box. Each pixel of the object outside costs as much as
    a pixel can, 100, though nothing can be learned from it.
    """
    height, width = prediction.prototypes.shape[2:]
    boxes = objects.boxes[chosen.objects]
    truth = _resize(objects.masks, (height, width))[chosen.objects]  # (P, Hp, Wp)
    soft = crop_masks(_combine(prediction, chosen).sigmoid(), boxes)
    # NaN would end the whole process on a GPU; the gradient still shows that something is wrong.
    pixels = F.binary_cross_entropy(soft.nan_to_num(), truth, reduction='none')
    areas = box_areas(boxes) * height * width
    mask = (pixels.sum(dim=(1, 2)) / areas * chosen.weights).sum()
    if rescore is None:
        return mask, mask.new_zeros(())
    return mask, _mask_iou_loss(soft, truth, objects.class_ids[chosen.objects], rescore)


def semantic_loss(logits: Tensor, objects: Objects) -> Tensor:
    """Compare with the masks of each class: mean over images and pixels, sum over classes."""
    images, classes, height, width = logits.shape
    masks = _resize(objects.masks, (height, width))
    planes = torch.zeros(images * classes, height, width, device=logits.device)
    planes.index_add_(0, objects.image_ids * classes + objects.class_ids, masks)
    truth = planes.clamp(max=1).view_as(logits)
    total = F.binary_cross_entropy_with_logits(logits, truth, reduction='sum')
    return total / (images * height * width)


def _combine(prediction: Prediction, chosen: Positives) -> Tensor:
    """Return the mask logits of the chosen priors, shape (P, Hp, Wp)."""
    counts = torch.bincount(chosen.images, minlength=len(prediction.prototypes)).tolist()
    coefficients = prediction.coefficients[chosen.images, chosen.priors].split(counts)
    return torch.cat(
        [
            combine_prototypes(prototypes, of_image)
            for prototypes, of_image in zip(prediction.prototypes, coefficients, strict=True)
        ]
    )


def _mask_iou_loss(
    soft: Tensor, truth: Tensor, class_ids: Tensor, rescore: Callable[[Tensor], Tensor]
) -> Tensor:
    """Compare the predicted with the true IoU of each mask that is not tiny."""
    is_large = truth.sum(dim=(1, 2)) > MIN_RESCORED_AREA
    soft, truth, class_ids = soft[is_large], truth[is_large], class_ids[is_large]
    mask = (soft > MASK_THRESHOLD).float()
    intersection = (mask * truth).sum(dim=(1, 2))
    union = mask.sum(dim=(1, 2)) + truth.sum(dim=(1, 2)) - intersection
    predicted = rescore(soft).gather(1, class_ids.unsqueeze(1)).squeeze(1)
    return F.smooth_l1_loss(predicted, intersection / union, reduction='sum')


def _resize(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize 0/1 masks bilinearly and make them 0/1 again, (M, S, S) -> (M, H, W), float."""
    if len(masks) == 0:
        return torch.zeros(0, *size, device=masks.device)
    resized = F.interpolate(masks.unsqueeze(1).float(), size, mode='bilinear', align_corners=False)
    return (resized.squeeze(1) > MASK_THRESHOLD).float()
