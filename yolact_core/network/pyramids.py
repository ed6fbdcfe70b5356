"""Feature pyramids: what turns the features of a backbone into levels of equal width.

Submodules are named as in the official checkpoints, which then load without a translation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable

EXTRA_LEVELS = 2  # P6 and P7


class FeaturePyramid(nn.Module):
    """Turns backbone features into five levels of equal width.

    See YOLACT, section 4; P6 and P7 are those of RetinaNet.

    Args:
        in_channels: Channels of each backbone feature map, shallow first.
        channels: Channels of every pyramid level.
    """

    def __init__(self, in_channels: tuple[int, ...], channels: int) -> None:
        super().__init__()
        deepest_first = in_channels[::-1]
        self.lat_layers = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in deepest_first)
        self.pred_layers = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1) for _ in deepest_first
        )
        self.downsample_layers = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, stride=2, padding=1) for _ in range(EXTRA_LEVELS)
        )

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Return P3 to P7.

        Args:
            features: Feature maps of the backbone, shallow first, each (B, C, H, W).
        """
        merged: list[Tensor] = []
        for lateral, feature in zip(self.lat_layers, features[::-1], strict=True):
            level = lateral(feature)
            if merged:
                level = level + _resize(merged[-1], level)
            merged.append(level)

        smoothed = [
            F.relu(layer(level)) for layer, level in zip(self.pred_layers, merged, strict=True)
        ]
        levels = smoothed[::-1]
        for downsample in self.downsample_layers:
            levels.append(downsample(levels[-1]))
        return levels


class PathAggregation(nn.Module):
    """Turns backbone features into as many levels of equal width, by sums down and up again.

    The path aggregation network (PAN) of NanoDet, which has no convolutions between its levels.

    Args:
        in_channels: Channels of each backbone feature map, shallow first.
        channels: Channels of every pyramid level.
    """

    def __init__(self, in_channels: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.lat_layers = nn.ModuleList(
            nn.Conv2d(width, channels, 1) for width in in_channels[::-1]
        )

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Return P3 to P5.

        Args:
            features: Feature maps of the backbone, shallow first, each (B, C, H, W).
        """
        levels = [layer(one) for layer, one in zip(self.lat_layers, features[::-1], strict=True)]
        for index in range(1, len(levels)):  # from the deepest level to P3
            levels[index] = levels[index] + _resize(levels[index - 1], levels[index])
        for index in reversed(range(len(levels) - 1)):  # and back
            levels[index] = levels[index] + _resize(levels[index + 1], levels[index])
        return levels[::-1]


PYRAMIDS: dict[str, Callable[[tuple[int, ...], int], nn.Module]] = {
    'fpn': FeaturePyramid,
    'pan': PathAggregation,
}


def _resize(level: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(level, size=like.shape[-2:], mode='bilinear')
