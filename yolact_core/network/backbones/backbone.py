"""What every backbone has in common."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Computes the features that feed the pyramid.

    Args:
        channels: Of each output, shallow first.
        strides: Input pixels per cell of each output.
    """

    def __init__(self, channels: tuple[int, ...], strides: tuple[int, ...]) -> None:
        super().__init__()
        self.channels = channels
        self.strides = strides

    @abstractmethod
    def forward(self, images: Tensor) -> list[Tensor]:
        """Return one feature map per stage asked for, shallow first.

        Args:
            images: Normalized, shape (B, 3, S, S).
        """
