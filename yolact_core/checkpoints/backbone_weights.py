"""Weights of classifiers, which backbones start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from yolact_core.checkpoints.state_dicts import holds_safetensors, normalize, read_pickle
from yolact_core.errors import InputError
from yolact_core.network.backbones import TimmBackbone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolact_core.network import Yolact

IMAGENET = 'imagenet'
MAY_BE_NEW = ('num_batches_tracked', 'conv_offset_mask', 'conv2.bias')  # deformable convolutions


def read_backbone(source: str, backbone: str) -> Mapping[str, Tensor]:
    """Read or fetch the weights of a classifier.

    Args:
        source: File of weights, or ``imagenet`` for the published ones.
        backbone: Name of the backbone that they are for.

    Raises:
        InputError: The file cannot be read, or nothing can be fetched.
    """
    if source == IMAGENET:
        return _fetch(backbone)
    if not holds_safetensors(Path(source)):
        content = read_pickle(Path(source))
        try:
            return normalize(content)
        except InputError as error:
            raise InputError(f'{source}: {error}') from None
    try:
        return load_file(source)
    except (OSError, SafetensorError) as error:
        raise InputError(f'{source} must be a readable safetensors file: {error}') from error


def load_backbone(network: Yolact, weights: Mapping[str, Tensor]) -> None:
    """Load the trunk of a classifier into the backbone; its head is ignored.

    Args:
        network: Network that gets the weights.
        weights: Weights under the names of torchvision, timm or the original.

    Raises:
        InputError: Weights of the backbone are missing or of another shape.
    """
    backbone = network.backbone
    prefix = 'body.' if isinstance(backbone, TimmBackbone) else ''
    expected = backbone.state_dict()
    renamed = {prefix + _official_key(key): value for key, value in weights.items()}
    fitting = {
        key: value.to(expected[key].dtype)
        for key, value in renamed.items()
        if key in expected and value.shape == expected[key].shape
    }
    missing = [
        key
        for key in expected
        if key not in fitting and not any(part in key for part in MAY_BE_NEW)
    ]
    if missing:
        raise InputError(
            f'backbone weights must have {missing[0]} {tuple(expected[missing[0]].shape)}; '
            f'{len(missing)} of {len(expected)} weights are missing or of another shape'
        )
    backbone.load_state_dict(fitting, strict=False)


def _official_key(key: str) -> str:
    """Turn ``layer1.0.conv1.weight``, as torchvision has it, into ``layers.0.0.conv1.weight``."""
    key = key.removeprefix('backbone.')
    stage = key.removeprefix('layer').split('.')[0]
    if key.startswith('layer') and stage.isdigit():
        return f'layers.{int(stage) - 1}{key.removeprefix(f"layer{stage}")}'
    return key


def _fetch(backbone: str) -> Mapping[str, Tensor]:
    """Fetch the weights that torchvision or timm publish for a backbone."""
    import timm
    import torchvision

    try:
        if timm.is_model(backbone) and backbone not in ('resnet50', 'resnet101'):
            published: nn.Module = timm.create_model(backbone, pretrained=True)
        elif backbone in ('resnet50', 'resnet101'):
            published = torchvision.models.get_model(backbone, weights='IMAGENET1K_V1')
        else:
            raise InputError(f'backbone_weights of {backbone} must be a file: none are published')
    except (OSError, RuntimeError) as error:
        raise InputError(f'the weights of {backbone} must be fetched: {error}') from error
    return published.state_dict()
