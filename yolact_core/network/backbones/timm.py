"""Any convolutional network of the ``timm`` library as a backbone."""

from typing import Any

import timm
from torch import Tensor

from yolact_core.errors import InputError
from yolact_core.network.backbones.backbone import Backbone


class TimmBackbone(Backbone):
    """The feature maps of a ``timm`` model.

    Args:
        name: Name of the model, such as ``tf_efficientnet_lite0``.
        stages: Indices of the feature maps to return, counted from 0.

    Raises:
        InputError: The model lacks one of the stages.
    """

    def __init__(self, name: str, stages: tuple[int, ...]) -> None:
        try:
            body = timm.create_model(name, features_only=True, out_indices=stages)
        except (AssertionError, AttributeError, IndexError, RuntimeError, TypeError) as error:
            raise InputError(
                f'backbone {name!r} must have feature maps {list(stages)}: {error}'
            ) from error
        feature_info: Any = body.feature_info
        super().__init__(
            channels=tuple(feature_info.channels()), strides=tuple(feature_info.reduction())
        )
        self.body = body

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature map of each stage that the network wants, shallow first."""
        return list(self.body(images))
