"""What every backbone has in common."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Computes the features that feed the pyramid.

    Args:
        channels: Channels of each output, shallow first.
        strides: Input pixels per cell of each output.
    """

    def __init__(self, channels: tuple[int, ...], strides: tuple[int, ...]) -> None:
        super().__init__()
        self.channels = channels
        self.strides = strides

    @abstractmethod
    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature map of each stage that the network wants, shallow first.

        Args:
            images: Normalized images, shape (B, 3, S, S).
        """


class StagedBackbone(Backbone):
    """A backbone of a stem and stages, each of which works on the output of the one before.

    Args:
        channels: Channels of each stage, shallow first.
        strides: Input pixels per cell of each stage.
        stages: Indices of the stages to return, shallow first.
    """

    layers: nn.ModuleList  # one module for each stage

    def __init__(
        self, channels: tuple[int, ...], strides: tuple[int, ...], stages: tuple[int, ...]
    ) -> None:
        super().__init__(
            tuple(channels[stage] for stage in stages), tuple(strides[stage] for stage in stages)
        )
        self.stages = stages

    @abstractmethod
    def stem(self, images: Tensor) -> Tensor:
        """Return the features that the first stage takes."""

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature map of each stage that the network wants, shallow first."""
        features = self.stem(images)
        outputs = []
        for stage, layer in enumerate(self.layers):
            features = layer(features)
            if stage in self.stages:
                outputs.append(features)
        return outputs
