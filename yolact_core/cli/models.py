"""``yolact models``: which models there are, and what is in a checkpoint."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yolact_core.cli.options import argument, option
from yolact_core.terminal import say, say_json, say_table

if TYPE_CHECKING:
    from pathlib import Path

    from yolact_core.config import ModelConfig


@dataclass(frozen=True)
class ModelEntry:
    """One line of the table.

    Args:
        name: Name of the model or, where there are no weights, of the configuration.
        kind: ``shipped``, ``official`` or ``configuration``.
        input_size: Side of the square input in pixels.
        backbone: Name of the network that computes the features.
        classes: Number of classes.
        parameters: Number of weights.
        mask_ap: Published mask AP in percent, or None.
        path: File of the weights, if they are on this machine.
        url: Address of the weights, if they can be fetched.
    """

    name: str
    kind: str
    input_size: int
    backbone: str
    classes: int
    parameters: int
    mask_ap: float | None = None
    path: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact models`` can be asked for."""

    model: str | None = argument(
        'tell what is in this checkpoint; without it, list all models',
        nargs='?',
        metavar='NAME_OR_FILE',
    )
    config: str | None = option(
        'configuration of a .pth file that is not named after it', metavar='NAME_OR_YAML'
    )
    json: bool = option('print JSON', False)


def run(options: Options) -> int:
    """List the models, or describe one."""
    if options.model is not None:
        _describe(options.model, options.config, options.json)
        return 0
    entries = list_models()
    if options.json:
        say_json([dataclasses.asdict(entry) for entry in entries])
    else:
        _print_table(entries)
    return 0


def list_models() -> list[ModelEntry]:
    """Return shipped models, then official ones, then configurations without weights."""
    from yolact_core.checkpoints.checkpoint import read_checkpoint
    from yolact_core.checkpoints.model_zoo import OFFICIAL_MODELS, shipped_models
    from yolact_core.config import ModelConfig, config_names

    entries = [
        _make_entry(name, 'shipped', read_checkpoint(path)[1], path=str(path))
        for name, path in shipped_models().items()
    ]
    for name, model in OFFICIAL_MODELS.items():
        entries.append(
            _make_entry(
                name,
                'official',
                ModelConfig.from_name(name),
                mask_ap=model.mask_ap,
                path=str(model.path) if model.path.is_file() else None,
                url=model.url,
            )
        )
    return entries + [
        _make_entry(name, 'configuration', ModelConfig.from_name(name))
        for name in config_names()
        if name not in OFFICIAL_MODELS
    ]


def _make_entry(name: str, kind: str, config: ModelConfig, **facts: Any) -> ModelEntry:  # noqa: ANN401
    return ModelEntry(
        name=name,
        kind=kind,
        input_size=config.input_size,
        backbone=config.backbone.name,
        classes=len(config.class_names),
        parameters=_count_parameters(config),
        **facts,
    )


def _count_parameters(config: ModelConfig) -> int:
    """Build the network without memory for its weights, and count them."""
    import torch

    from yolact_core.network import build_network

    with torch.device('meta'):
        return sum(weight.numel() for weight in build_network(config).parameters())


def _print_table(entries: list[ModelEntry]) -> None:
    from rich.table import Table

    from yolact_core.checkpoints.model_zoo import ACCURACY_SOURCE

    table = Table('model', 'input', 'backbone', box=None, pad_edge=False)
    for heading in ('classes', 'parameters', 'mask AP'):
        table.add_column(heading, justify='right')
    table.add_column('weights')
    for entry in entries:
        table.add_row(
            entry.name,
            f'{entry.input_size} px',
            entry.backbone,
            str(entry.classes),
            f'{entry.parameters / 1e6:.1f} M',
            f'{entry.mask_ap:.1f}' if entry.mask_ap is not None else '-',
            _weights_state(entry),
        )
    say_table(table)
    say(f'\nmask AP: {ACCURACY_SOURCE}')
    for entry in entries:
        if entry.url and not entry.path:
            say(f'{entry.name}: {entry.url}')


def _weights_state(entry: ModelEntry) -> str:
    if entry.kind == 'shipped':
        return 'shipped'
    if entry.path:
        return 'here'
    return 'fetched when needed' if entry.url else 'none: to be trained'


def _describe(model: str, config: str | None, as_json: bool) -> None:
    """Print what is in one checkpoint."""
    from yolact_core.checkpoints.checkpoint import hash_weights, load_network, read_checkpoint
    from yolact_core.checkpoints.model_zoo import find_model
    from yolact_core.checkpoints.state_dicts import holds_safetensors

    path: Path = find_model(model)
    network = load_network(model, config)
    digest = hash_weights(network)
    about = {
        'id': f'{network.config.name}@{digest[:12]}',
        'path': str(path),
        'sha256': digest,
        'parameters': sum(weight.numel() for weight in network.parameters()),
        'config': network.config.to_mapping(),
        'facts': dataclasses.asdict(read_checkpoint(path)[2]) if holds_safetensors(path) else {},
    }
    if as_json:
        say_json(about)
    else:
        import json

        import yaml

        plain = json.loads(json.dumps(about))  # with lists in place of tuples
        say(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=96).rstrip())
