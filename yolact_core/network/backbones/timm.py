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
        stages: Which of its feature maps to return, counted from 0.

    Raises:
        InputError: ``timm`` has no such model, or it lacks one of the stages.
    """

    def __init__(self, name: str, stages: tuple[int, ...]) -> None:
        if not timm.is_model(name):
            raise InputError(
                'backbone must be resnet50, resnet101, darknet53 or the name of a timm model, '
                f'got {name!r}'
            )
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
        """Return one feature map per stage asked for, shallow first.

        Args:
            images: Normalized, shape (B, 3, S, S).
        """
        return list(self.body(images))
