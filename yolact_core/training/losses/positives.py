"""The priors that have to find an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from yolact_core.training.matching import Matches


class Positives(NamedTuple):
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


def find_positives(matches: Matches) -> Positives:
    """Return all priors that have to find an object."""
    images, priors = (matches.labels > 0).nonzero(as_tuple=True)
    weights = torch.ones(len(images), device=images.device)
    return Positives(images, priors, matches.object_ids[images, priors], weights)


def limit_positives(
    positives: Positives, labels: Tensor, limit: int, generator: torch.Generator | None
) -> Positives:
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
    return Positives(images, priors, objects, (counts / limit).clamp(min=1)[images])
