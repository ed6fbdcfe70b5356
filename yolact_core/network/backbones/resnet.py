"""ResNet-50 and ResNet-101, with deformable convolutions where YOLACT++ has them.

Submodules are named as in the official checkpoints, which then load without a translation.
"""

from torch import Tensor, nn
from torchvision.ops import deform_conv2d

from yolact_core.network.backbones.backbone import StagedBackbone

STEM_CHANNELS = 64
EXPANSION = 4


class DeformableConv(nn.Module):
    """A 3x3 modulated deformable convolution (YOLACT++, section 6.2; DCNv2).

    It predicts, per output pixel and kernel point, an offset (dy, dx) and a weight in (0, 1).
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        shape_of = nn.Conv2d(channels, channels, 3, stride, padding=1)
        self.weight = shape_of.weight
        self.bias = shape_of.bias
        self.stride = stride
        self.conv_offset_mask = nn.Conv2d(channels, 27, 3, stride, padding=1)
        nn.init.zeros_(self.conv_offset_mask.weight)
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.conv_offset_mask.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same width, (B, C, H, W) -> (B, C, H / stride, W / stride)."""
        offsets, mask = self.conv_offset_mask(features).split([18, 9], dim=1)
        convolved: Tensor = deform_conv2d(
            features, offsets, self.weight, self.bias, self.stride, padding=1, mask=mask.sigmoid()
        )
        return convolved


class Bottleneck(nn.Module):
    """Reduce, convolve, expand, and add the input."""

    def __init__(self, in_channels: int, channels: int, stride: int, is_deformable: bool) -> None:
        super().__init__()
        out_channels = channels * EXPANSION
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = (
            DeformableConv(channels, stride)
            if is_deformable
            else nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)
        )
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
            if stride != 1 or in_channels != out_channels
            else None
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return features of 4 times ``channels``, smaller by the stride."""
        shortcut = features if self.downsample is None else self.downsample(features)
        features = self.relu(self.bn1(self.conv1(features)))
        features = self.relu(self.bn2(self.conv2(features)))
        features = self.bn3(self.conv3(features))
        features += shortcut
        return self.relu(features)  # type: ignore[no-any-return]


class ResNet(StagedBackbone):
    """A residual network of bottleneck blocks.

    Args:
        blocks: Blocks in each of the four stages.
        stages: Indices of the stages to return, shallow first.
        deformable: Number of last blocks of each stage that may be deformable.
        deformable_interval: Every how many-th of these blocks is deformable.
    """

    def __init__(
        self,
        blocks: tuple[int, ...],
        stages: tuple[int, ...],
        deformable: tuple[int, ...] = (0, 0, 0, 0),
        deformable_interval: int = 1,
    ) -> None:
        widths = [STEM_CHANNELS * 2**stage for stage in range(len(blocks))]
        super().__init__(
            channels=tuple(width * EXPANSION for width in widths),
            strides=tuple(4 * 2**stage for stage in range(len(blocks))),
            stages=stages,
        )
        self.conv1 = nn.Conv2d(3, STEM_CHANNELS, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_CHANNELS)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layers = nn.ModuleList()
        in_channels = STEM_CHANNELS
        for stage, (count, width) in enumerate(zip(blocks, widths, strict=True)):
            first_deformable = count - deformable[stage]
            stage_blocks = nn.Sequential()
            for index in range(count):
                is_deformable = index >= first_deformable and index % deformable_interval == 0
                stride = 2 if index == 0 and stage > 0 else 1
                stage_blocks.append(Bottleneck(in_channels, width, stride, is_deformable))
                in_channels = width * EXPANSION
            self.layers.append(stage_blocks)

    def stem(self, images: Tensor) -> Tensor:
        """Return the features that the first stage takes, (B, 3, S, S) -> (B, C, S/4, S/4)."""
        return self.maxpool(self.relu(self.bn1(self.conv1(images))))  # type: ignore[no-any-return]
