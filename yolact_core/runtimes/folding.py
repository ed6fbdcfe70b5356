"""Batch norms folded into the convolutions before them, which then do both at once."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

if TYPE_CHECKING:
    from yolact_core.network import Yolact

SIDE = 64  # pixels of the image on which features are compared
TOLERANCE = 1e-3  # relative to the largest value


def fold_batch_norms(network: Yolact) -> Yolact:
    """Return a network for inference without the batch norms that follow convolutions.

    It shares all other weights with the given one, which stays as it is. That one is returned if
    its backbone does not normalize right after a convolution what stands right after it.

    Args:
        network: Network in evaluation mode.
    """
    weights = (*network.parameters(), *network.buffers())
    folded = copy.deepcopy(network, {id(one): one for one in weights})
    for parent in folded.backbone.modules():
        for (conv_name, conv), (norm_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, conv_name, fuse_conv_bn_eval(conv, norm))
                setattr(parent, norm_name, _activation_of(norm))
    return folded if _have_same_features(folded, network) else network


def _activation_of(norm: nn.BatchNorm2d) -> nn.Module:
    """Return what a batch norm of ``timm`` does after it has normalized; of others, nothing."""
    activation = getattr(norm, 'act', None)
    return activation if isinstance(activation, nn.Module) else nn.Identity()


@torch.no_grad()
def _have_same_features(folded: Yolact, network: Yolact) -> bool:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, 3, SIDE, SIDE, generator=generator).to(network.priors.device)
    return all(
        torch.allclose(ours, theirs, rtol=0, atol=TOLERANCE * float(theirs.abs().max()))
        for ours, theirs in zip(folded.backbone(image), network.backbone(image), strict=True)
    )
