"""The prototype masks of an image (YOLACT, section 3.1)."""

from torch import nn


class Protonet(nn.Sequential):
    """Turns P3, (B, C, H, W), into non-negative prototypes, (B, K, 2 H, 2 W).

    Its layers are numbered as in the official checkpoints, which then load without a translation.

    Args:
        channels: Of P3.
        prototypes: How many to compute (k in the paper).
    """

    def __init__(self, channels: int, prototypes: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False),
            nn.Identity(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, prototypes, 1),
            nn.ReLU(inplace=True),
        )
