"""Which prior has to find which object (the matching of SSD, used in YOLACT, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from yolact_core.errors import InputError
from yolact_core.network.boxes import box_areas, cxcywh_to_xyxy, pairwise_coverage, pairwise_iou
from yolact_core.records import check_fields

if TYPE_CHECKING:
    from yolact_core.dataset.sample import Targets

BACKGROUND = 0
IGNORED = -1
FORCED_IOU = 2.0  # above any real one


@dataclass(frozen=True)
class MatchingOptions:
    """When a prior counts as an object and when as background.

    Args:
        positive_iou: Priors that overlap an object at least this much have to find it, in (0, 1].
        negative_iou: Priors that overlap every object less than this are background; those
            in between are ignored. In (0, positive_iou].
        crowd_coverage: Share of a prior without object inside a crowd above which it is ignored,
            in (0, 1].
        most_centres: Largest number of centres that have to find one object, where distances are
            predicted.
        by_score: Whether a centre that scores well for the object's class is preferred, where
            distances are predicted.

    Raises:
        InputError: A value is outside its range.
    """

    positive_iou: float = 0.5
    negative_iou: float = 0.4
    crowd_coverage: float = 0.7
    most_centres: int = 9
    by_score: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.negative_iou <= self.positive_iou <= 1:
            raise InputError(
                'negative_iou and positive_iou must rise within (0, 1], '
                f'got {self.negative_iou} and {self.positive_iou}'
            )
        rules = {
            'crowd_coverage must be in (0, 1]': 0 < self.crowd_coverage <= 1,
            'most_centres must be at least 1': self.most_centres >= 1,
        }
        check_fields(self, rules)


@dataclass(frozen=True)
class Objects:
    """The objects of all images of a batch, one after the other.

    Args:
        boxes: Corners as fractions of the image, shape (M, 4).
        class_ids: Classes, 0-based, shape (M,).
        masks: Masks of 0 and 1, uint8, shape (M, S, S).
        image_ids: Index of each object's image in the batch, shape (M,).
    """

    boxes: Tensor
    class_ids: Tensor
    masks: Tensor
    image_ids: Tensor


@dataclass(frozen=True)
class Matches:
    """What each prior of each image has to find.

    Args:
        priors: Priors in centre form, shape (A, 4).
        labels: 1 + class id, 0 for background or -1 for ignored priors, shape (B, A).
        object_ids: Index into ``objects`` for each positive prior, shape (B, A).
        objects: All objects of the batch.
        normalizer: Divisor of the losses: the sum of the qualities, at least 1, shape ().
        qualities: How well each positive prior fits its object, in [0, 1]: its weight, and the
            score that sigmoids have to reach. 0 for others, shape (B, A).
    """

    priors: Tensor
    labels: Tensor
    object_ids: Tensor
    objects: Objects
    normalizer: Tensor
    qualities: Tensor


def match_priors(priors: Tensor, targets: Targets, options: MatchingOptions) -> Matches:
    """Give each prior the object that it overlaps most, and each object at least one prior.

    The prior of each object is chosen greedily: of all remaining pairs, the one that overlaps
    most is fixed, and both are taken out. Images without objects and boxes without area are
    allowed.

    Args:
        priors: Priors in centre form as fractions of the image, shape (A, 4).
        targets: Truth of a batch, on the same device.
        options: Thresholds of the overlaps.
    """
    objects = join_objects(targets)
    boxes = pad_images(targets.boxes)  # (B, N, 4)
    ids = pad_images(number_objects(targets.boxes))  # (B, N)
    prior_boxes = cxcywh_to_xyxy(priors)
    iou = pairwise_iou(boxes, prior_boxes)  # (B, N, A)
    is_real = box_areas(boxes) > 0
    iou.masked_fill_(~is_real.unsqueeze(2), -1)
    best_iou, best_object = _force_one_prior_each(iou)  # (B, A) both

    object_ids = ids.gather(1, best_object)
    is_positive = best_iou >= options.positive_iou
    labels = torch.full_like(object_ids, BACKGROUND)
    labels[best_iou >= options.negative_iou] = IGNORED
    labels[is_in_crowd(prior_boxes, targets.crowd_boxes, options.crowd_coverage)] = IGNORED
    if len(objects.boxes) > 0:
        labels = torch.where(is_positive, objects.class_ids[object_ids] + 1, labels)
    qualities = is_positive.float()
    return Matches(priors, labels, object_ids, objects, qualities.sum().clamp(min=1), qualities)


def _force_one_prior_each(iou: Tensor) -> tuple[Tensor, Tensor]:
    """Return the best overlap and object of each prior, objects' own priors above all others.

    Args:
        iou: Overlap of each object with each prior, negative for objects to ignore, (B, N, A).
    """
    best_iou, best_object = iou.max(dim=1)
    images = torch.arange(len(iou), device=iou.device)
    remaining = iou.clone()
    for _ in range(iou.shape[1]):
        value, pair = remaining.flatten(1).max(dim=1)
        object_id, prior = pair // iou.shape[2], pair % iou.shape[2]
        is_left = value >= 0
        best_iou[images, prior] = torch.where(is_left, FORCED_IOU, best_iou[images, prior])
        best_object[images, prior] = torch.where(is_left, object_id, best_object[images, prior])
        remaining[images, object_id] = -1
        remaining[images, :, prior] = -1
    return best_iou, best_object


def is_in_crowd(prior_boxes: Tensor, crowd_boxes: list[Tensor], threshold: float) -> Tensor:
    """Return whether more than a share of each prior lies inside one crowd, shape (B, A)."""
    return (pairwise_coverage(prior_boxes, pad_images(crowd_boxes)) > threshold).any(dim=2)


def join_objects(targets: Targets) -> Objects:
    """Put the objects of all images of a batch one after the other."""
    counts = [len(boxes) for boxes in targets.boxes]
    image_ids = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    boxes = torch.cat(targets.boxes)
    return Objects(
        boxes,
        torch.cat(targets.class_ids),
        torch.cat(targets.masks),
        image_ids.to(boxes.device, non_blocking=True),
    )


def number_objects(boxes: list[Tensor]) -> list[Tensor]:
    """Return the index of each box among those of all images, shape (N,) for each image."""
    counts = [len(of_image) for of_image in boxes]
    return list(torch.arange(sum(counts), device=boxes[0].device).split(counts))


def pad_images(of_images: list[Tensor]) -> Tensor:
    """Stack tensors of different lengths, with zeros after the shorter, to at least one row."""
    one = of_images[0].new_zeros(1, *of_images[0].shape[1:])
    return pad_sequence([*of_images, one], batch_first=True)[:-1]
