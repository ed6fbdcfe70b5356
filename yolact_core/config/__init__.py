"""The configuration of a network: frozen dataclasses read from small YAML files."""

from yolact_core.config.class_sets import category_ids, class_set
from yolact_core.config.model import (
    PYRAMID_LEVELS,
    BoxCoding,
    ModelConfig,
    ScoreKind,
    config_names,
)
from yolact_core.config.parts import AnchorConfig, BackboneConfig, HeadConfig, ProtonetConfig

__all__ = [
    'PYRAMID_LEVELS',
    'AnchorConfig',
    'BackboneConfig',
    'BoxCoding',
    'HeadConfig',
    'ModelConfig',
    'ProtonetConfig',
    'ScoreKind',
    'category_ids',
    'class_set',
    'config_names',
]
