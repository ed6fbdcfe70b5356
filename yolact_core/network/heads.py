"""The prediction heads, and the branches for prototypes and mask rescoring.

Submodules are named as in the official checkpoints, which then load without a translation.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from yolact_core.config import HeadConfig, ModelConfig, ProtonetConfig

DISTANCE_BINS = 11  # of the distribution of a distance: 0 to 10 strides
RESCORING_WIDTHS = (1, 8, 16, 32, 64, 128)  # channels of its input and hidden layers


class PredictionHead(nn.Module):
    """Predicts boxes, classes and mask coefficients at each prior of a level.

    See YOLACT, section 3.2.

    Args:
        config: Configuration of the whole network.
        head: Configuration of this head.

    Attributes:
        values: Numbers at each prior for raw boxes (4 * bins), class outputs and mask
            coefficients before their activation; 0 of what the head does not predict.
    """

    def __init__(self, config: ModelConfig, head: HeadConfig) -> None:
        super().__init__()
        hidden = head.channels or config.feature_channels
        bins = DISTANCE_BINS if config.box_coding == 'distances' else 1
        self.values = (
            4 * bins if head.boxes else 0,
            config.outputs_of(head),
            config.prototypes if head.masks else 0,
        )
        self.upfeature = nn.Sequential(
            nn.Conv2d(config.feature_channels, hidden, 3, padding=1),
            nn.LeakyReLU(head.slope, inplace=True) if head.slope else nn.ReLU(inplace=True),
        )
        self.bbox_layer, self.conf_layer, self.mask_layer = (
            nn.Conv2d(
                hidden,
                config.anchors.per_cell * values,
                head.kernel,
                padding=head.kernel // 2,
            )
            if values
            else None
            for values in self.values
        )

    @property
    def layers(self) -> tuple[nn.Conv2d | None, ...]:
        """Convolutions that give the ``values``; None for what the head does not predict."""
        return self.bbox_layer, self.conf_layer, self.mask_layer

    def forward(self, level: Tensor) -> Tensor:
        """Predict at one level, in the order row, column, prior of the cell.

        Args:
            level: Features of a pyramid level, shape (B, C, H, W).

        Returns:
            The ``values`` of each prior after each other, shape (B, A, sum of values).
        """
        features = self.upfeature(level)
        outputs = [
            _per_prior(layer(features), count)
            for layer, count in zip(self.layers, self.values, strict=True)
            if layer is not None
        ]
        return torch.cat(outputs, dim=-1).flatten(1, 3)


class Protonet(nn.Sequential):
    """Turns P3, (B, C, H, W), into non-negative prototypes, usually (B, K, 2 H, 2 W).

    See YOLACT, section 3.1.

    Args:
        in_channels: Channels of P3.
        prototypes: Number of prototypes (k in the paper).
        config: Width and depth.
    """

    def __init__(self, in_channels: int, prototypes: int, config: ProtonetConfig) -> None:
        channels = config.channels or in_channels
        widths = pairwise([in_channels] + config.convolutions * [channels])
        before = [
            part
            for width, next_width in widths
            for part in (nn.Conv2d(width, next_width, 3, padding=1), nn.ReLU(inplace=True))
        ]
        super().__init__(
            *before,
            nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False),
            nn.Identity(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, prototypes, 1),
            nn.ReLU(inplace=True),
        )

    def forward(self, level: Tensor, detail: Tensor | None = None) -> Tensor:
        """Return the prototypes.

        Args:
            level: P3.
            detail: What is added after the upsampling, which gives the size, (B, width, Hp, Wp);
                None: nothing, and twice the size of P3.
        """
        for part in self:
            if detail is not None and isinstance(part, nn.Upsample):
                level = F.interpolate(level, size=detail.shape[-2:], mode=part.mode) + detail
            else:
                level = part(level)
        return level


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


def mean_distances(raw: Tensor) -> Tensor:
    """Return the mean of each distribution of distances, in strides (GFL).

    Args:
        raw: Logits of the bins of left, top, right and bottom, shape (B, A, 4 * bins).

    Returns:
        Distances, shape (B, A, 4).
    """
    bins = torch.arange(DISTANCE_BINS, device=raw.device, dtype=raw.dtype)
    shares = F.softmax(raw.unflatten(-1, (4, DISTANCE_BINS)), dim=-1).flatten(1, 2)
    means = shares @ bins[:, None]  # (B, 4 * A, 1), in one: ncnn would share out prior by prior
    distances: Tensor = means.unflatten(1, (-1, 4)).squeeze(-1)
    return distances


def _per_prior(output: Tensor, values: int) -> Tensor:
    """Take channels apart, (B, priors * values, H, W) -> (B, H, W, priors, values)."""
    per_prior: Tensor = output.permute(0, 2, 3, 1).unflatten(-1, (-1, values))
    return per_prior
