"""The network of a run, the weights that it starts from, and the parts that stay frozen."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from yolact_core.checkpoints.checkpoint import load_network, transfer_weights
from yolact_core.config import ModelConfig
from yolact_core.errors import InputError
from yolact_core.network import Yolact, build_network
from yolact_core.network.backbones import TimmBackbone
from yolact_core.network.heads import RESCORING_WIDTHS
from yolact_core.training.extension import extend_network

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yolact_core.training.options import NetworkOptions

DEFAULT_CONFIG = 'yolact_resnet50'
IMAGENET = 'imagenet'
FEW_IMAGES = 200
MAY_BE_NEW = ('num_batches_tracked', 'conv_offset_mask', 'conv2.bias')  # deformable convolutions
BY_CLASS = (  # a row for each class
    'semantic_seg_conv.',
    f'maskiou_net.maskiou_net.{2 * len(RESCORING_WIDTHS) - 2}.',
)


def settle_classes(options: NetworkOptions, images: int) -> NetworkOptions:
    """Decide what becomes of the classes of the weights where ``classes`` is ``auto``.

    Args:
        options: Which network, and from which weights.
        images: Number of images to train on.

    Raises:
        InputError: The file of weights does not fit.
    """
    if options.classes != 'auto':
        return options
    may_extend = options.weights is not None and images <= FEW_IMAGES
    if may_extend and load_network(options.weights or '').config.scores == 'sigmoid':
        return dataclasses.replace(options, classes='extend')
    return dataclasses.replace(options, classes='replace')


def frozen_parts(options: NetworkOptions, network: Yolact) -> tuple[str, ...]:
    """Return the names of the parts that stay as they are: of an extended network all but one.

    Args:
        options: Options with the names that the run gives, and whether the network was extended.
        network: The network.
    """
    if options.classes != 'extend':
        return options.freeze
    heads = len(network.prediction_layers)
    parts = [name for name, _ in network.named_children() if name != 'prediction_layers']
    return (*parts, *(f'prediction_layers.{index}' for index in range(heads - 1)))


def start_network(options: NetworkOptions, class_names: tuple[str, ...]) -> tuple[Yolact, str]:
    """Build the network of a run.

    Args:
        options: Which network, and from which weights.
        class_names: Classes of the data, which the network gets unless it keeps its own.

    Returns:
        The network and a description of what it starts from.

    Raises:
        InputError: A name is unknown, or a file does not fit.
    """
    if options.classes in ('keep', 'extend') and not options.weights:
        raise InputError(f'weights must be given where classes is {options.classes}')
    if options.weights and options.backbone_weights:
        raise InputError('weights and backbone_weights must not both be given')
    if options.weights:
        source = load_network(options.weights)
        base = ModelConfig.from_source(options.config) if options.config else source.config
        if options.classes == 'extend':
            network = extend_network(source, class_names, options.extension)
            network.config = network.config.replace(name=options.name or source.config.name)
            return network, f'{options.weights} with another head, which alone is trained'
        if options.classes == 'keep':
            class_names = source.config.class_names
        network = build_network(_change(base, options, class_names))
        report = transfer_weights(network, source.state_dict())
        if network.config.class_names == source.config.class_names:
            return network, f'{options.weights}: {report}'
        carried = carry_classes(network, source)
        known = f'it goes on knowing {", ".join(carried)}' if carried else 'all classes are new'
        return network, f'{options.weights}: {report}; {known}'
    network = build_network(
        _change(ModelConfig.from_source(options.config or DEFAULT_CONFIG), options, class_names)
    )
    if options.backbone_weights:
        load_backbone(network, _read(options.backbone_weights, network.config.backbone.name))
        return network, f'backbone from {options.backbone_weights}, the rest new'
    return network, 'all weights new'


@torch.no_grad()
def carry_classes(network: Yolact, source: Yolact) -> tuple[str, ...]:
    """Copy the weights of the background and of all classes that both networks know by name.

    Args:
        network: Network that is changed in place; its other classes stay.
        source: Network to copy from. If its priors per cell, feature channels, heads or kind of
            scores differ, or class outputs are shared out among heads, nothing is copied.

    Returns:
        Names of the classes that were copied.
    """
    new, old = network.config, source.config
    if not _have_like_rows(new, old):
        return ()
    shared = tuple(name for name in new.class_names if name in old.class_names)
    rows = [new.class_names.index(name) for name in shared]
    old_rows = [old.class_names.index(name) for name in shared]
    background = [0] if new.scores == 'softmax' else []
    scores, old_scores = (
        [*background, *(row + len(background) for row in some)] for some in (rows, old_rows)
    )
    targets, sources = network.state_dict(), source.state_dict()
    for key, target in targets.items():
        if '.conf_layer.' in key:
            by_prior, old_by_prior = (  # (priors per cell, classes, with background, ...)
                weights.view(new.anchors.per_cell, -1, *weights.shape[1:])
                for weights in (target, sources[key])
            )
            by_prior[:, scores] = old_by_prior[:, old_scores]
        elif key.startswith(BY_CLASS) and key in sources:
            target[rows] = sources[key][old_rows]
    return shared


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


def freeze_batch_norm(network: nn.Module) -> None:
    """Leave statistics, scale and shift of all batch norms as they are."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval().requires_grad_(False)


def freeze(network: nn.Module, parts: Iterable[str]) -> None:
    """Leave parts of a network as they are, statistics of batch norms included.

    Args:
        network: Network in training mode.
        parts: Names of modules; a name includes everything below it.

    Raises:
        InputError: There is no such part.
    """
    modules = dict(network.named_modules())
    for part in parts:
        if part not in modules:
            raise InputError(
                'freeze must name parts of the network, such as '
                f'{", ".join(dict(network.named_children()))}, got {part!r}'
            )
        modules[part].eval().requires_grad_(False)


def _change(
    base: ModelConfig, options: NetworkOptions, class_names: tuple[str, ...]
) -> ModelConfig:
    fields = {field.name for field in dataclasses.fields(ModelConfig)}
    changes = {
        name: value
        for name, value in vars(options).items()
        if name in fields and value is not None
    }
    if options.input_size and not options.anchors and base.box_coding == 'offsets':
        factor = options.input_size / base.input_size
        scales = tuple(tuple(scale * factor for scale in level) for level in base.anchors.scales)
        changes['anchors'] = dataclasses.replace(base.anchors, scales=scales)
    return base.replace(class_names=class_names, **changes)


def _have_like_rows(new: ModelConfig, old: ModelConfig) -> bool:
    """Return whether class outputs of both networks are rows of the same layers, one a class."""
    alike = ('feature_channels', 'heads', 'scores')
    return (
        all(getattr(new, name) == getattr(old, name) for name in alike)
        and new.anchors.per_cell == old.anchors.per_cell
        and not (new.class_outputs or old.class_outputs)
        and all(head.classes in (None, 0) for head in new.heads)
    )


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
