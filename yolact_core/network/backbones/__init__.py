"""Backbones by name.

A new backbone is a module in this folder and a row of ``BACKBONES``; a convolutional network of
``timm`` needs neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import timm

from yolact_core.errors import InputError
from yolact_core.network.backbones.backbone import Backbone
from yolact_core.network.backbones.csp import CspNet
from yolact_core.network.backbones.darknet import DarkNet53
from yolact_core.network.backbones.resnet import ResNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from yolact_core.config import BackboneConfig

__all__ = ['BACKBONES', 'Backbone', 'TimmBackbone', 'build_backbone']


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


def _resnet(*blocks: int) -> Callable[[BackboneConfig], Backbone]:
    return lambda config: ResNet(
        blocks, config.stages, config.deformable, config.deformable_interval
    )


BACKBONES: dict[str, Callable[[BackboneConfig], Backbone]] = {
    'resnet50': _resnet(3, 4, 6, 3),
    'resnet101': _resnet(3, 4, 23, 3),
    'darknet53': lambda config: DarkNet53(config.stages),
    'cspnet': lambda config: CspNet(config.stages),
}


def build_backbone(config: BackboneConfig) -> Backbone:
    """Build a backbone with random weights.

    Raises:
        InputError: No backbone has that name, or it lacks one of the stages.
    """
    if config.name in BACKBONES:
        return BACKBONES[config.name](config)
    if not timm.is_model(config.name):
        raise InputError(
            f'backbone must be {", ".join(BACKBONES)} or the name of a timm model, '
            f'got {config.name!r}'
        )
    return TimmBackbone(config.name, config.stages)
