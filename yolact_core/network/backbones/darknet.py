"""DarkNet-53, the backbone of YOLOv3.

Submodules are named as in the official checkpoints, which then load without a translation.
"""

from torch import Tensor, nn

from yolact_core.network.backbones.backbone import StagedBackbone

BLOCKS = (1, 2, 8, 8, 4)
STEM_CHANNELS = 32


def _convolution(in_channels: int, channels: int, size: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(channels),
        nn.LeakyReLU(0.1, inplace=True),
    )


class Residual(nn.Module):
    """Halve the width, restore it, and add the input; nothing follows the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _convolution(channels, channels // 2, 1)
        self.conv2 = _convolution(channels // 2, channels, 3)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        return features + self.conv2(self.conv1(features))  # type: ignore[no-any-return]


class DarkNet53(StagedBackbone):
    """Five stages, each a strided convolution and then residual blocks.

    Args:
        stages: Indices of the stages to return, shallow first.
    """

    def __init__(self, stages: tuple[int, ...]) -> None:
        widths = [STEM_CHANNELS * 2 ** (stage + 1) for stage in range(len(BLOCKS))]
        super().__init__(
            channels=tuple(widths),
            strides=tuple(2 ** (stage + 1) for stage in range(len(BLOCKS))),
            stages=stages,
        )
        self._preconv = _convolution(3, STEM_CHANNELS, 3)
        self.layers = nn.ModuleList(
            nn.Sequential(
                _convolution(width // 2, width, 3, stride=2),
                *(Residual(width) for _ in range(count)),
            )
            for count, width in zip(BLOCKS, widths, strict=True)
        )

    def stem(self, images: Tensor) -> Tensor:
        """Return the features that the first stage takes, (B, 3, S, S) -> (B, C, S, S)."""
        return self._preconv(images)  # type: ignore[no-any-return]
