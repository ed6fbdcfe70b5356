"""What tests of the core share: a colourful image, detections, and a small model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from yolact_core import (
    Detections,
    InstanceMasks,
    ModelConfig,
    build_network,
    save_checkpoint,
)
from yolact_core.config import AnchorConfig, BackboneConfig, HeadConfig, ProtonetConfig


@pytest.fixture(scope='session')
def photo() -> npt.NDArray[np.uint8]:
    """Return a smooth colourful image, RGB, shape (96, 128, 3)."""
    noise = np.random.default_rng(7).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (128, 96), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


@pytest.fixture
def make_detections() -> Callable[..., Detections]:
    """Make detections from full-size masks, shape (N, H, W), in the order of their scores."""

    def make(masks: npt.NDArray[np.bool_], class_ids: Sequence[int] | None = None) -> Detections:
        count = len(masks)
        found = InstanceMasks.from_dense(masks, masks.shape[1:])
        ends = found.corners + found.shapes[:, ::-1]
        scores = np.linspace(0.9, 0.4, count, dtype=np.float32)
        return Detections(
            boxes=np.concatenate([found.corners, ends], axis=1).astype(np.float32),
            scores=scores,
            mask_scores=scores,
            class_ids=np.arange(count) % 3 if class_ids is None else np.array(class_ids),
            coefficients=np.linspace(-1, 1, 8 * count, dtype=np.float32).reshape(count, 8),
            masks=found,
            all_class_names=('person', 'chair', 'cup'),
        )

    return make


@pytest.fixture(scope='session')
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkpoint of a small network with random weights that finds many things."""
    torch.manual_seed(1)
    config = ModelConfig.from_name('yolact_resnet18').replace(
        name='tiny',
        input_size=128,
        backbone=BackboneConfig('test_resnet', (2, 3, 4)),
        anchors=AnchorConfig(((12.0,), (24.0,), (48.0,), (72.0,), (96.0,))),
        class_names=('person', 'chair', 'cup'),
        feature_channels=32,
        prototypes=8,
    )
    path = tmp_path_factory.mktemp('models') / 'tiny.safetensors'
    network = build_network(config)
    with torch.no_grad():  # else all scores are about the same
        network.get_parameter('prediction_layers.0.conf_layer.weight').mul_(6)
    save_checkpoint(network, path)
    return path


@pytest.fixture(scope='session')
def sigmoid_config() -> ModelConfig:
    """Return a small configuration of distances, sigmoids, PAN, and two heads that add up.

    The class outputs of both heads make the classes: a chair is what either of two outputs says.
    """
    own = {'shared': False, 'kernel': 1, 'slope': 0.1}
    return ModelConfig.from_name('yolact_nanodet').replace(
        name='tiny_sigmoid',
        input_size=128,
        class_names=('person', 'chair', 'cup'),
        feature_channels=32,
        prototypes=8,
        protonet=ProtonetConfig(channels=16, convolutions=1, detail_stage=0),
        heads=(
            HeadConfig(**own, classes=3, masks=False),
            HeadConfig(channels=16, classes=2),
        ),
        class_outputs=((4,), (1, 3), (2,)),
    )


@pytest.fixture(scope='session')
def sigmoid_model(sigmoid_config: ModelConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkpoint of a small network with sigmoids that finds many things."""
    torch.manual_seed(2)
    network = build_network(sigmoid_config)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name.endswith('conf_layer.weight'):
                weight.mul_(6)
            elif name.endswith('conf_layer.bias'):
                weight.sub_(2)
    path = tmp_path_factory.mktemp('models') / 'tiny_sigmoid.safetensors'
    save_checkpoint(network, path)
    return path
