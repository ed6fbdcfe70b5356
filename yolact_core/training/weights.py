"""The network of a run, the weights that it starts from, and the parts that stay frozen."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from yolact_core.checkpoints.backbone_weights import load_backbone, read_backbone
from yolact_core.checkpoints.checkpoint import load_network
from yolact_core.checkpoints.transfer import transfer_weights
from yolact_core.config import HeadConfig, ModelConfig
from yolact_core.errors import InputError
from yolact_core.network import Yolact, build_network, resize_network
from yolact_core.network.heads import RESCORING_WIDTHS
from yolact_core.training.extension import extend_network

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yolact_core.training.options import NetworkOptions

DEFAULT_CONFIG = 'yolact_resnet50'
FEW_IMAGES = 200
NOT_EXTENDED = (  # options that an extended network has no use for
    'config', 'feature_channels', 'prototypes', 'mask_rescoring', 'anchors', 'backbone',
)  # fmt: skip
BY_CLASS = (  # a row for each class
    'semantic_seg_conv.',
    f'maskiou_net.maskiou_net.{2 * len(RESCORING_WIDTHS) - 2}.',
)


class Start(NamedTuple):
    """What a training begins with.

    Attributes:
        network: The network.
        origin: Description of what it starts from.
        frozen: Names of the parts that stay as they are.
    """

    network: Yolact
    origin: str
    frozen: tuple[str, ...]


def start_network(options: NetworkOptions, class_names: tuple[str, ...], images: int) -> Start:
    """Build the network of a run.

    Args:
        options: Which network, and from which weights.
        class_names: Classes of the data, which the network gets unless it keeps its own.
        images: Number of images to train on; a network may be extended by few.

    Raises:
        InputError: A name is unknown, or a file does not fit.
    """
    if options.classes in ('keep', 'extend') and not options.weights:
        raise InputError(f'weights must be given where classes is {options.classes}')
    if options.weights and options.backbone_weights:
        raise InputError('weights and backbone_weights must not both be given')
    if not options.weights:
        return _start_anew(options, class_names)
    source = _load_source(options.weights, options.config)
    if _is_extended(options, source, images):
        return _extend(options, source, class_names)
    base = ModelConfig.from_source(options.config) if options.config else source.config
    if options.classes == 'keep':
        class_names = source.config.class_names
    network = build_network(_change(base, options, class_names))
    report = f'{options.weights}: {transfer_weights(network, source.state_dict())}'
    if network.config.class_names != source.config.class_names:
        carried = carry_classes(network, source)
        known = f'it goes on knowing {", ".join(carried)}' if carried else 'all classes are new'
        report = f'{report}; {known}'
    return Start(network, report, options.freeze)


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


def _start_anew(options: NetworkOptions, class_names: tuple[str, ...]) -> Start:
    base = ModelConfig.from_source(options.config or DEFAULT_CONFIG)
    network = build_network(_change(base, options, class_names))
    if not options.backbone_weights:
        return Start(network, 'all weights new', options.freeze)
    load_backbone(network, read_backbone(options.backbone_weights, network.config.backbone.name))
    origin = f'backbone from {options.backbone_weights}, the rest new'
    return Start(network, origin, options.freeze)


def _load_source(weights: str, config: str | None) -> Yolact:
    """Load weights with their own configuration or, where they do not tell it, that of the run."""
    try:
        return load_network(weights)
    except InputError:
        if config is None:
            raise
        return load_network(weights, config)


def _is_extended(options: NetworkOptions, source: Yolact, images: int) -> bool:
    """Decide whether a network is extended, which ``auto`` does where it can and data are few.

    Raises:
        InputError: It shall be, with other parts than it has.
    """
    other = [name for name in NOT_EXTENDED if getattr(options, name) is not None]
    if options.classes == 'extend' and other:
        raise InputError(
            f'model.{other[0]} must not be given where classes is extend, which keeps the network '
            f'as it is, got {getattr(options, other[0])}'
        )
    may_extend = source.config.scores == 'sigmoid' and images <= FEW_IMAGES and not other
    return options.classes == 'extend' or (options.classes == 'auto' and may_extend)


def _extend(options: NetworkOptions, source: Yolact, class_names: tuple[str, ...]) -> Start:
    """Add a head, which alone is trained."""
    name = options.name or source.config.name
    if options.input_size:
        source = resize_network(source, options.input_size)
    network = extend_network(source, class_names, options.extension)
    network.config = network.config.replace(name=name)
    kept = len(network.prediction_layers) - 1
    parts = [part for part, _ in network.named_children() if part != 'prediction_layers']
    frozen = (*parts, *(f'prediction_layers.{index}' for index in range(kept)))
    return Start(network, f'{options.weights} with another head, which alone is trained', frozen)


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
    if base.class_outputs and class_names != base.class_names:
        changes |= {'class_outputs': (), 'heads': _class_by_class(base.heads)}
    return base.replace(class_names=class_names, **changes)


def _class_by_class(heads: tuple[HeadConfig, ...]) -> tuple[HeadConfig, ...]:
    """Let the first head with classes have one output for each class, and the others none."""
    first = next(index for index, head in enumerate(heads) if head.classes != 0)
    return tuple(
        dataclasses.replace(head, classes=None if index == first else 0)
        for index, head in enumerate(heads)
    )


def _have_like_rows(new: ModelConfig, old: ModelConfig) -> bool:
    """Return whether class outputs of both networks are rows of the same layers, one a class."""
    alike = ('feature_channels', 'heads', 'scores')
    return (
        all(getattr(new, name) == getattr(old, name) for name in alike)
        and new.anchors.per_cell == old.anchors.per_cell
        and not (new.class_outputs or old.class_outputs)
        and all(head.classes in (None, 0) for head in new.heads)
    )
