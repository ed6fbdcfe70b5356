"""The cross-stage partial network of NanoDet-g.

Plain 3x3 convolutions with a leaky ReLU, made for devices that compute them fast. Batch norms are
folded into the convolutions, as in the published weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from yolact_core.network.backbones.backbone import StagedBackbone

STEM_CHANNELS = 32
WIDTHS = (32, 64, 128, 256)  # of the stages' inner layers; a stage returns twice as many channels
BLOCKS = (1, 2, 2, 3)
SLOPE = 0.1  # of the activation below zero


class Conv(nn.Sequential):
    """A 3x3 convolution and its activation."""

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, channels, 3, stride, padding=1),
            nn.LeakyReLU(SLOPE, inplace=True),
        )


class SplitBlock(nn.Module):
    """Two convolutions of half the width, one after the other, side by side."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.first = Conv(in_channels, channels // 2)
        self.second = Conv(channels // 2, channels // 2)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of ``channels``."""
        first = self.first(features)
        return torch.cat([self.second(first), first], dim=1)


class CspStage(nn.Module):
    """A convolution, and beside it the blocks that work on its output (CSPNet)."""

    def __init__(self, in_channels: int, channels: int, blocks: int, stride: int) -> None:
        super().__init__()
        self.entry = Conv(in_channels, channels, stride)
        self.blocks = nn.Sequential(*(SplitBlock(channels, channels) for _ in range(blocks)))
        self.exit = Conv(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of twice ``channels``, smaller by the stride."""
        entered = self.entry(features)
        return torch.cat([self.exit(self.blocks(entered)), entered], dim=1)


class CspNet(StagedBackbone):
    """The backbone of NanoDet-g (Apache-2.0, github.com/RangiLyu/nanodet).

    Args:
        stages: Indices of the stages to return, shallow first, at strides of 4, 8, 16 and 32.
    """

    def __init__(self, stages: tuple[int, ...]) -> None:
        channels = tuple(2 * width for width in WIDTHS)
        super().__init__(channels, strides=(4, 8, 16, 32), stages=stages)
        self.conv1 = Conv(3, STEM_CHANNELS, stride=2)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layers = nn.ModuleList(
            CspStage(*sizes)
            for sizes in zip(
                (STEM_CHANNELS, *channels[:-1]), WIDTHS, BLOCKS, (1, 2, 2, 2), strict=True
            )
        )

    def stem(self, images: Tensor) -> Tensor:
        """Return the features that the first stage takes, (B, 3, S, S) -> (B, C, S/4, S/4)."""
        return self.maxpool(self.conv1(images))  # type: ignore[no-any-return]
