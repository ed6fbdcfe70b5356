"""The feature pyramid (YOLACT, section 4; FPN with P6 and P7 as in RetinaNet).

Submodules are named as in the official checkpoints, which then load without a translation.
"""

import torch.nn.functional as F
from torch import Tensor, nn

EXTRA_LEVELS = 2


class FeaturePyramid(nn.Module):
    """Turns backbone features into five levels of equal width.

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
                level = level + _upsample(merged[-1], level)
            merged.append(level)

        smoothed = [
            F.relu(layer(level)) for layer, level in zip(self.pred_layers, merged, strict=True)
        ]
        levels = smoothed[::-1]
        for downsample in self.downsample_layers:
            levels.append(downsample(levels[-1]))
        return levels


def _upsample(level: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(level, size=like.shape[-2:], mode='bilinear', align_corners=False)
