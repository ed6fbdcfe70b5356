"""Backbones by name.

A new backbone is a module in this folder and a row of ``BACKBONES``; a convolutional network of
``timm`` needs neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from timm import is_model

from yolact_core.errors import InputError
from yolact_core.network.backbones.backbone import Backbone
from yolact_core.network.backbones.darknet import DarkNet53
from yolact_core.network.backbones.resnet import ResNet
from yolact_core.network.backbones.timm import TimmBackbone

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolact_core.config import BackboneConfig

__all__ = ['BACKBONES', 'Backbone', 'TimmBackbone', 'build_backbone']


def _resnet(*blocks: int) -> Callable[[BackboneConfig], Backbone]:
    return lambda config: ResNet(
        blocks, config.stages, config.deformable, config.deformable_interval
    )


BACKBONES: dict[str, Callable[[BackboneConfig], Backbone]] = {
    'resnet50': _resnet(3, 4, 6, 3),
    'resnet101': _resnet(3, 4, 23, 3),
    'darknet53': lambda config: DarkNet53(config.stages),
}


def build_backbone(config: BackboneConfig) -> Backbone:
    """Build a backbone with random weights.

    Raises:
        InputError: No backbone has that name, or it lacks one of the stages.
    """
    if config.name in BACKBONES:
        return BACKBONES[config.name](config)
    if not is_model(config.name):
        raise InputError(
            f'backbone must be {", ".join(BACKBONES)} or the name of a timm model, '
            f'got {config.name!r}'
        )
    return TimmBackbone(config.name, config.stages)
