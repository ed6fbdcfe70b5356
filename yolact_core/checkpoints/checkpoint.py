"""Files with weights: the official ``.pth`` and our own ``.safetensors``."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from yolact_core.checkpoints.model_zoo import find_model
from yolact_core.checkpoints.recognition import recognize, refuse_other_classes
from yolact_core.checkpoints.state_dicts import (
    holds_safetensors,
    load_weights,
    normalize,
    read_pickle,
)
from yolact_core.config import ModelConfig
from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.network import Yolact, build_network
from yolact_core.palette import Color, make_palette
from yolact_core.records import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

FORMAT = 'yolact-1'
RANGES = 'ranges.'  # start of the keys of what is no weight, but Yolact.ranges


@dataclass(frozen=True)
class Facts:
    """What a checkpoint of ours says about itself besides its configuration.

    Args:
        colors: Colour of each class, for overlays.
        training: What the weights were trained on and how, and the figures reached.
        license: Terms under which the weights may be used, and whom to credit.
        losses: Points of mask AP, of 100, that were measured to be lost in a precision, by its
            name: ``{'bfloat16': 0.05}``. Of a precision that is not there nothing is known.
    """

    colors: tuple[Color, ...]
    training: dict[str, Any] = field(default_factory=dict)
    license: str = ''
    losses: dict[str, float] = field(default_factory=dict)


def load_network(source: str | Path, config: str | Path | ModelConfig | None = None) -> Yolact:
    """Load a model into a network in evaluation mode on the CPU.

    Args:
        source: A shipped model, an official name such as ``yolact_base`` (fetched once and cached)
            or the path of a file with weights.
        config: Configuration of a ``.pth`` file that is not named after it: the configuration
            itself, its name or its YAML file.

    Raises:
        InputError: The file cannot be found or read, or does not fit its configuration.
    """
    path = find_model(source)
    if holds_safetensors(path):
        return load_checkpoint(path)[0]
    content = read_pickle(path)
    try:
        weights = normalize(content)
        network = build_network(_settle_config(config) or recognize(path.stem, content, weights))
        refuse_other_classes(network.config, weights)
        load_weights(network, weights)
    except InputError as error:
        raise InputError(f'{path}: {error}') from None
    return network


def load_checkpoint(path: str | Path) -> tuple[Yolact, Facts]:
    """Load a checkpoint of our own format.

    Raises:
        InputError: The file cannot be read, is of another format, or is damaged.
    """
    weights, config, facts = read_checkpoint(path)
    network = build_network(config)
    ranges = [key for key in weights if key.startswith(RANGES)]
    network.ranges = {key.removeprefix(RANGES): weights.pop(key) for key in ranges}
    try:
        load_weights(network, weights)
    except InputError as error:
        raise InputError(f'{path}: {error}') from None
    return network, facts


def read_checkpoint(path: str | Path) -> tuple[dict[str, Tensor], ModelConfig, Facts]:
    """Read weights, ranges for int8, configuration and facts of a checkpoint of our own format.

    Raises:
        InputError: The file cannot be read, is of another format, or is damaged.
    """
    metadata, weights = _read_file(path, has_weights=True)
    config, facts = _read_metadata(metadata, path)
    return weights, config, facts


def read_losses(source: str | Path) -> dict[str, float]:
    """Return what a model is known to lose in reduced precisions, as ``Facts.losses`` has it.

    Args:
        source: Model as for ``load_network``; a ``.pth`` file tells nothing.

    Raises:
        InputError: The file cannot be found or read, is of another format, or is damaged.
    """
    path = find_model(source)
    if not holds_safetensors(path):
        return {}
    metadata, _ = _read_file(path, has_weights=False)
    return _read_metadata(metadata, path)[1].losses


def save_checkpoint(network: Yolact, path: str | Path, facts: Facts | None = None) -> None:
    """Write a network to one ``.safetensors`` file that says everything about itself.

    Args:
        network: Network whose weights, ranges and configuration are written.
        path: File to write; an older one is replaced only when the new one is complete.
        facts: What else the file says; None: a palette, and nothing of training and licence.
    """
    facts = facts or Facts(make_palette(len(network.config.class_names)))
    weights = {key: value.contiguous().cpu() for key, value in network.state_dict().items()}
    write_checkpoint(weights | ranges_by_key(network), network.config, facts, path)


def write_checkpoint(
    weights: Mapping[str, Tensor], config: ModelConfig, facts: Facts, path: str | Path
) -> None:
    """Write what ``read_checkpoint`` reads, for instance with other facts.

    Args:
        weights: Contiguous weights and ranges on the CPU, by key.
        config: Configuration that they fit.
        facts: What else the file says.
        path: File to write; an older one is replaced only when the new one is complete.
    """
    metadata = {
        'format': FORMAT,
        'config': json.dumps(config.to_mapping()),
        'facts': json.dumps(dataclasses.asdict(facts)),
    }
    with replace_when_done(Path(path)) as unfinished:
        save_file(dict(weights), unfinished, metadata)


def ranges_by_key(network: Yolact) -> dict[str, Tensor]:
    """Return the ranges of a network as they stand among the weights of a checkpoint."""
    return {RANGES + name: values.contiguous() for name, values in network.ranges.items()}


def save_random(config_name: str, folder: Path) -> Path:
    """Write a checkpoint of a configuration with random weights, always the same ones.

    Raises:
        InputError: There is no such configuration.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(config_name)
    path = folder / f'{config_name}.safetensors'
    save_checkpoint(network, path)
    return path


def hash_weights(network: Yolact) -> str:
    """Return the sha256 of the weights, whatever file they came from, in hexadecimal."""
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()


def _read_file(path: str | Path, has_weights: bool) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the metadata of a file, and its weights if they are wanted."""
    try:
        with safe_open(path, framework='pt') as file:
            keys = file.keys() if has_weights else ()
            return file.metadata() or {}, {key: file.get_tensor(key) for key in keys}
    except (OSError, SafetensorError) as error:
        raise InputError(f'{path} must be a readable safetensors file: {error}') from error


def _read_metadata(metadata: Mapping[str, str], path: str | Path) -> tuple[ModelConfig, Facts]:
    if metadata.get('format') != FORMAT:
        raise InputError(
            f'{path} must say that its format is {FORMAT!r}, got {metadata.get("format")!r}: '
            'it is not a checkpoint of this project'
        )
    try:
        config = ModelConfig.from_mapping(parse_json(metadata['config']), f'{path}: config')
        values = parse_json(metadata['facts'])
        colors = tuple((red, green, blue) for red, green, blue in values['colors'])
        losses = {name: float(points) for name, points in values.get('losses', {}).items()}
        facts = Facts(colors, values['training'], values['license'], losses)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f'{path} must hold whole metadata: {error}') from error
    if len(colors) != len(config.class_names):
        raise InputError(
            f'{path} must hold a colour for each of its {len(config.class_names)} classes, '
            f'got {len(colors)}'
        )
    return config, facts


def _settle_config(config: str | Path | ModelConfig | None) -> ModelConfig | None:
    if isinstance(config, ModelConfig):
        return config
    return ModelConfig.from_source(config) if config else None
