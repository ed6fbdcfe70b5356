"""Backbones by name."""

from yolact_core.config import BackboneConfig
from yolact_core.network.backbones.backbone import Backbone
from yolact_core.network.backbones.darknet import DarkNet53
from yolact_core.network.backbones.resnet import RESNET_BLOCKS, ResNet
from yolact_core.network.backbones.timm import TimmBackbone

__all__ = ['Backbone', 'build_backbone']


def build_backbone(config: BackboneConfig) -> Backbone:
    """Build a backbone with random weights.

    Raises:
        InputError: Nothing is known by that name, or it lacks a stage.
    """
    if config.name in RESNET_BLOCKS:
        return ResNet(
            RESNET_BLOCKS[config.name],
            config.stages,
            config.deformable,
            config.deformable_interval,
        )
    if config.name == 'darknet53':
        return DarkNet53(config.stages)
    return TimmBackbone(config.name, config.stages)
