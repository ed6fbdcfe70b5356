"""The feature pyramid and the heads on top: predictions, prototypes and mask rescoring.

Submodules are named as in the official checkpoints, which then load without a translation.
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

EXTRA_LEVELS = 2  # P6 and P7
RESCORING_WIDTHS = (1, 8, 16, 32, 64, 128)  # channels of its input and hidden layers


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
                size = level.shape[-2:]
                level = level + F.interpolate(merged[-1], size=size, mode='bilinear')
            merged.append(level)

        smoothed = [
            F.relu(layer(level)) for layer, level in zip(self.pred_layers, merged, strict=True)
        ]
        levels = smoothed[::-1]
        for downsample in self.downsample_layers:
            levels.append(downsample(levels[-1]))
        return levels


class PredictionHead(nn.Module):
    """Predicts box offsets, class logits and mask coefficients at each prior of a level.

    All levels share it (YOLACT, section 3.2).

    Args:
        channels: Channels of a pyramid level.
        priors_per_cell: Number of priors at each cell.
        classes: Number of foreground classes.
        prototypes: Number of mask coefficients per prior.
    """

    def __init__(self, channels: int, priors_per_cell: int, classes: int, prototypes: int) -> None:
        super().__init__()
        self.classes = classes
        self.prototypes = prototypes
        self.upfeature = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True)
        )
        self.bbox_layer = nn.Conv2d(channels, priors_per_cell * 4, 3, padding=1)
        self.conf_layer = nn.Conv2d(channels, priors_per_cell * (classes + 1), 3, padding=1)
        self.mask_layer = nn.Conv2d(channels, priors_per_cell * prototypes, 3, padding=1)

    def forward(self, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict at one level, in the order row, column, prior of the cell.

        Args:
            level: Features of a pyramid level, shape (B, C, H, W).

        Returns:
            Box offsets (B, A, 4), class logits (B, A, classes + 1) with the background first, and
            mask coefficients (B, A, prototypes) in [-1, 1].
        """
        features = self.upfeature(level)
        return (
            _per_prior(self.bbox_layer(features), 4),
            _per_prior(self.conf_layer(features), self.classes + 1),
            _per_prior(self.mask_layer(features), self.prototypes).tanh(),
        )


class Protonet(nn.Sequential):
    """Turns P3, (B, C, H, W), into non-negative prototypes, (B, K, 2 H, 2 W).

    See YOLACT, section 3.1.

    Args:
        channels: Channels of P3.
        prototypes: Number of prototypes (k in the paper).
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


class MaskRescoring(nn.Module):
    """Predicts how well each mask overlaps its object, for every class it might have.

    See YOLACT++, section 6.1.

    Args:
        classes: Number of foreground classes.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.maskiou_net = nn.Sequential()
        for in_channels, channels in pairwise(RESCORING_WIDTHS):
            self.maskiou_net.append(nn.Conv2d(in_channels, channels, 3, stride=2))
            self.maskiou_net.append(nn.ReLU(inplace=True))
        self.maskiou_net.append(nn.Conv2d(RESCORING_WIDTHS[-1], classes, 1))
        self.maskiou_net.append(nn.ReLU(inplace=True))

    def forward(self, masks: Tensor) -> Tensor:
        """Return the predicted mask IoU, at least 0 and not bounded above, shape (N, classes).

        Args:
            masks: Cropped soft masks in [0, 1] at prototype resolution, shape (N, Hp, Wp).
        """
        iou: Tensor = self.maskiou_net(masks.unsqueeze(1)).amax(dim=(2, 3))
        return iou


def _per_prior(output: Tensor, values: int) -> Tensor:
    return output.permute(0, 2, 3, 1).reshape(output.shape[0], -1, values)
