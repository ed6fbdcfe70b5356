"""Fewer and larger convolutions for inference: a head's outputs from one of them."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from yolact_core.network.heads import PredictionHead


class MergedHead(nn.Module):
    """A prediction head whose outputs come from one convolution, prior by prior.

    Channels of a prior follow each other, so that what comes out needs no concatenation.

    Args:
        head: Head that it computes the same as.
    """

    def __init__(self, head: PredictionHead) -> None:
        super().__init__()
        self.values = head.values
        self.upfeature = head.upfeature
        layers = [
            (layer, count)
            for layer, count in zip(head.layers, head.values, strict=True)
            if layer is not None
        ]
        first = layers[0][0]
        weight, bias = (
            torch.cat(
                [getattr(layer, name).unflatten(0, (-1, count)) for layer, count in layers], dim=1
            ).flatten(0, 1)
            for name in ('weight', 'bias')
        )
        side = first.kernel_size[0]
        self.outputs = nn.Conv2d(first.in_channels, len(bias), side, padding=side // 2)
        self.outputs.weight, self.outputs.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, level: Tensor) -> Tensor:
        """Predict at one level, as ``PredictionHead`` does."""
        outputs: Tensor = self.outputs(self.upfeature(level))  # (B, priors * values, H, W)
        return outputs.permute(0, 2, 3, 1).reshape(outputs.shape[0], -1, sum(self.values))


@torch.no_grad()
def merge_heads(network: nn.Module) -> nn.Module:
    """Return a copy, for inference, of a network in which all prediction heads are merged.

    Args:
        network: ``Yolact``, or what contains one, in evaluation mode.
    """
    merged = copy.deepcopy(network)
    for parent in list(merged.modules()):
        for name, child in parent.named_children():
            if isinstance(child, PredictionHead):
                setattr(parent, name, MergedHead(child))
    return merged
