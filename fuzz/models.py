"""A network small enough to be built a hundred times a second."""

from __future__ import annotations

from yolact_core.config import AnchorConfig, BackboneConfig, ModelConfig


def tiny_config() -> ModelConfig:
    """Return the configuration of the smallest network."""
    return ModelConfig.from_name('yolact_resnet18').replace(
        name='tiny',
        input_size=64,
        backbone=BackboneConfig('test_resnet', (2, 3, 4)),
        anchors=AnchorConfig(((12.0,), (24.0,), (36.0,), (48.0,), (60.0,))),
        class_names=('person', 'cup'),
        feature_channels=4,
        prototypes=2,
    )
