"""The losses of YOLACT and YOLACT++ (section 3 of the papers)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import generalized_box_iou_loss

from yolact_core.masks.assembly import combine_prototypes, crop_masks
from yolact_core.masks.tracing import MASK_THRESHOLD
from yolact_core.network import Prediction, Yolact
from yolact_core.network.boxes import box_areas, decode_boxes, encode_boxes
from yolact_core.records import check_fields
from yolact_core.training.matching import Matches, MatchingOptions, Objects

MIN_RESCORED_AREA = 25  # prototype pixels; smaller masks do not train the rescoring


@dataclass(frozen=True)
class LossOptions:
    """How the losses are weighted, and which priors and masks take part.

    Args:
        box: Weight of the box regression.
        class_: Weight of the classification.
        mask: Weight of the masks.
        semantic: Weight of the semantic segmentation that helps the backbone to learn.
        mask_iou: Weight of the mask rescoring (YOLACT++).
        negatives_per_positive: Background priors that take part for each positive one, where
            scores are a softmax.
        masks_to_train: Largest number of masks of an image that take part, drawn at random.
        matching: Which prior has to find which object.

    Raises:
        InputError: A value is outside its range.
    """

    box: float = 1.5
    class_: float = 1.0
    mask: float = 6.125
    semantic: float = 1.0
    mask_iou: float = 25.0
    negatives_per_positive: int = 3
    masks_to_train: int = 100
    matching: MatchingOptions = field(default_factory=MatchingOptions)

    def __post_init__(self) -> None:
        weights = dict.fromkeys(('box', 'class_', 'mask', 'semantic', 'mask_iou'), 0)
        counts = dict.fromkeys(('negatives_per_positive', 'masks_to_train'), 1)
        limits = {**weights, **counts}.items()
        check_fields(
            self,
            {f'{name} must be at least {low}': getattr(self, name) >= low for name, low in limits},
        )

    @property
    def is_of_masks_alone(self) -> bool:
        """Whether nothing depends on the classes of the objects, or trains their boxes."""
        return not (self.box or self.class_ or self.semantic or self.matching.by_score)


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


class _Positives(NamedTuple):
    """The priors that have to find an object, image by image, each of shape (P,).

    Attributes:
        images: Index of the image.
        priors: Index of the prior.
        objects: Index of the object.
        weights: Weight of the prior: 1, or more if others were left out.
    """

    images: Tensor
    priors: Tensor
    objects: Tensor
    weights: Tensor


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
    box_loss = _overlap_loss if config and config.box_coding == 'distances' else _offset_loss
    rescore = network.rescore if network and network.config.mask_rescoring else None
    with torch.autocast(semantic_logits.device.type, enabled=False):
        prediction = Prediction(*(output.float() for output in prediction))
        positives = _find_positives(matches)
        box = class_ = mask = semantic = mask_iou = matches.normalizer.new_zeros(())
        if options.box:
            box = box_loss(prediction.box_offsets, matches, positives)
        if options.class_ and config and config.scores == 'sigmoid':
            class_ = _quality_loss(prediction.class_logits, matches)
        elif options.class_:
            class_ = _class_loss(
                prediction.class_logits, matches.labels, options.negatives_per_positive
            )
        if options.mask:
            chosen = _limit(positives, matches.labels, options.masks_to_train, generator)
            mask, mask_iou = _mask_losses(prediction, matches.objects, chosen, rescore)
        if options.semantic:
            semantic = _semantic_loss(semantic_logits.float(), matches.objects)
    return Losses(
        box=options.box * box / matches.normalizer,
        class_=options.class_ * class_ / matches.normalizer,
        mask=options.mask * mask / matches.normalizer,
        semantic=options.semantic * semantic,
        mask_iou=options.mask_iou * mask_iou / matches.normalizer,
    )


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


def _find_positives(matches: Matches) -> _Positives:
    images, priors = (matches.labels > 0).nonzero(as_tuple=True)
    weights = torch.ones(len(images), device=images.device)
    return _Positives(images, priors, matches.object_ids[images, priors], weights)


def _limit(
    positives: _Positives, labels: Tensor, limit: int, generator: torch.Generator | None
) -> _Positives:
    """Keep at most ``limit`` random positives of each image, with larger weights."""
    counts = (labels > 0).sum(dim=1)
    if int(counts.max()) <= limit:
        return positives
    draw = torch.rand(len(positives.images), device=labels.device, generator=generator)
    order = (positives.images + draw.double()).argsort()  # shuffled within each image
    starts = counts.cumsum(0) - counts
    rank = torch.arange(len(order), device=labels.device) - starts[positives.images]
    kept = order[rank < limit]
    images, priors, objects = (indices[kept] for indices in positives[:3])
    return _Positives(images, priors, objects, (counts / limit).clamp(min=1)[images])


def _offset_loss(box_offsets: Tensor, matches: Matches, positives: _Positives) -> Tensor:
    truth = encode_boxes(
        matches.objects.boxes[positives.objects], matches.priors[positives.priors]
    )
    return F.smooth_l1_loss(
        box_offsets[positives.images, positives.priors], truth, reduction='sum'
    )


def _overlap_loss(distances: Tensor, matches: Matches, positives: _Positives) -> Tensor:
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


def _quality_loss(class_logits: Tensor, matches: Matches) -> Tensor:
    """Compare scores with the qualities of the centres (quality focal loss; GFL, section 3.2)."""
    truth = F.one_hot(matches.labels.clamp(min=0), class_logits.shape[2] + 1)[..., 1:]
    truth = truth * matches.qualities.unsqueeze(2)
    focus = (truth - class_logits.sigmoid()).square().detach()
    errors = F.binary_cross_entropy_with_logits(class_logits, truth, reduction='none')
    loss: Tensor = (errors * focus)[matches.labels >= 0].sum()
    return loss


def _class_loss(class_logits: Tensor, labels: Tensor, negatives_per_positive: int) -> Tensor:
    takes_part = (labels > 0) | select_negatives(class_logits, labels, negatives_per_positive)
    return F.cross_entropy(class_logits[takes_part], labels[takes_part], reduction='sum')


def _mask_losses(
    prediction: Prediction,
    objects: Objects,
    chosen: _Positives,
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


def _combine(prediction: Prediction, chosen: _Positives) -> Tensor:
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


def _semantic_loss(logits: Tensor, objects: Objects) -> Tensor:
    """Compare with the masks of each class: mean over images and pixels, sum over classes."""
    images, classes, height, width = logits.shape
    masks = _resize(objects.masks, (height, width))
    planes = torch.zeros(images * classes, height, width, device=logits.device)
    planes.index_add_(0, objects.image_ids * classes + objects.class_ids, masks)
    truth = planes.clamp(max=1).view_as(logits)
    total = F.binary_cross_entropy_with_logits(logits, truth, reduction='sum')
    return total / (images * height * width)


def _resize(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize 0/1 masks bilinearly and make them 0/1 again, (M, S, S) -> (M, H, W), float."""
    if len(masks) == 0:
        return torch.zeros(0, *size, device=masks.device)
    resized = F.interpolate(masks.unsqueeze(1).float(), size, mode='bilinear', align_corners=False)
    return (resized.squeeze(1) > MASK_THRESHOLD).float()
