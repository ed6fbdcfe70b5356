"""The network of a run, with the weights that it starts from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from yolact_core.checkpoints.checkpoint import load_network, transfer_weights
from yolact_core.config import AnchorConfig, ModelConfig
from yolact_core.errors import InputError
from yolact_core.network import Yolact, build_network
from yolact_core.network.backbones.timm import TimmBackbone
from yolact_core.training.class_transfer import carry_classes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yolact_core.training.options import ModelOptions

DEFAULT_CONFIG = 'yolact_resnet50'
IMAGENET = 'imagenet'
FIELDS = (
    'name',
    'input_size',
    'feature_channels',
    'prototypes',
    'mask_rescoring',
    'anchors',
    'backbone',
)
MAY_BE_NEW = ('num_batches_tracked', 'conv_offset_mask', 'conv2.bias')  # deformable convolutions


def start_network(options: ModelOptions, class_names: tuple[str, ...]) -> tuple[Yolact, str]:
    """Build the network of a run.

    Args:
        options: Which network and from which weights.
        class_names: The data's.

    Returns:
        The network and, in words, what it starts from.

    Raises:
        InputError: A name is unknown, or a file does not fit.
    """
    if options.weights and options.backbone_weights:
        raise InputError('weights and backbone_weights must not both be given')
    if options.weights:
        source = load_network(options.weights)
        base = _find_config(options.config) if options.config else source.config
        network = build_network(_change(base, options, class_names))
        report = transfer_weights(network, source.state_dict())
        if network.config.class_names == source.config.class_names:
            return network, f'{options.weights}: {report}'
        carried = carry_classes(network, source)
        known = f'it goes on knowing {", ".join(carried)}' if carried else 'all classes are new'
        return network, f'{options.weights}: {report}; {known}'
    network = build_network(
        _change(_find_config(options.config or DEFAULT_CONFIG), options, class_names)
    )
    if options.backbone_weights:
        load_backbone(network, _read(options.backbone_weights, network.config.backbone.name))
        return network, f'backbone from {options.backbone_weights}, the rest new'
    return network, 'all weights new'


def load_backbone(network: Yolact, weights: Mapping[str, Tensor]) -> None:
    """Load a classifier's trunk into the backbone; a classifier's head is left aside.

    Args:
        network: Gets the weights.
        weights: By the key names of torchvision, timm or the original.

    Raises:
        InputError: Something that the backbone needs is missing or of another shape.
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


def batch_norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    """Return all batch norms of a network."""
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def freeze_batch_norm(network: nn.Module) -> None:
    """Leave statistics, scale and shift of all batch norms as they are."""
    for module in batch_norms(network):
        module.eval().requires_grad_(False)


def freeze(network: nn.Module, parts: Iterable[str]) -> None:
    """Leave parts of a network as they are, statistics of batch norms included.

    Args:
        network: In training mode.
        parts: Names of modules; a name stands for all below it.

    Raises:
        InputError: There is no such part.
    """
    modules = dict(network.named_modules())
    for part in parts:
        if part not in modules:
            raise InputError(
                f'freeze must name parts of the network, such as {", ".join(_top(network))}, '
                f'got {part!r}'
            )
        modules[part].eval().requires_grad_(False)


def _top(network: nn.Module) -> list[str]:
    return [name for name, _ in network.named_children()]


def _find_config(name: str) -> ModelConfig:
    if Path(name).suffix in ('.yaml', '.yml'):
        return ModelConfig.from_file(name)
    return ModelConfig.from_name(name)


def _change(base: ModelConfig, options: ModelOptions, class_names: tuple[str, ...]) -> ModelConfig:
    changes: dict[str, Any] = {
        name: getattr(options, name) for name in FIELDS if getattr(options, name) is not None
    }
    if options.input_size and not options.anchors:
        changes['anchors'] = _scale(base.anchors, options.input_size / base.input_size)
    return base.replace(class_names=class_names, **changes)


def _scale(anchors: AnchorConfig, factor: float) -> AnchorConfig:
    scales = tuple(tuple(scale * factor for scale in level) for level in anchors.scales)
    return AnchorConfig(scales, anchors.aspect_ratios, anchors.square)


def _official_key(key: str) -> str:
    """Turn ``layer1.0.conv1.weight``, as torchvision has it, into ``layers.0.0.conv1.weight``."""
    key = key.removeprefix('backbone.')
    stage = key.removeprefix('layer').split('.')[0]
    if key.startswith('layer') and stage.isdigit():
        return f'layers.{int(stage) - 1}{key.removeprefix(f"layer{stage}")}'
    return key


def _read(source: str, backbone: str) -> Mapping[str, Tensor]:
    if source == IMAGENET:
        return _fetch(backbone)
    try:
        if Path(source).suffix == '.safetensors':
            return load_file(source)
        weights: Mapping[str, Tensor] = torch.load(source, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise InputError(f'{source} must be a readable file of weights: {error}') from error
    return weights


def _fetch(backbone: str) -> Mapping[str, Tensor]:
    """Fetch what torchvision or timm publish for a backbone."""
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
