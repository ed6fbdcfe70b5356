"""Which configuration the weights of a file belong to that does not say so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch

from yolact_core.checkpoints.state_dicts import EVERY_NETWORK_HAS, find_misfit
from yolact_core.config import ModelConfig, config_names
from yolact_core.errors import InputError
from yolact_core.network import build_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

STATE, OWNER, MODEL = 'yolact', 'owner', 'model'  # where a state of a training says its own
OFFICIAL_NAME = re.compile(r'(.+?)(_\d+_\d+)?(_interrupt)?')  # configuration, epoch and step
HOW_TO_GIVE = 'give a configuration, a name or a YAML file (--config, model.config)'


def recognize(stem: str, content: object, weights: Mapping[str, Tensor]) -> ModelConfig:
    """Tell the configuration of weights.

    Args:
        stem: Name of their file without suffix, such as ``yolact_base_54_800000``.
        content: What the file holds; a state of a training here says its configuration itself.
        weights: The weights by name, whose shapes fit few configurations.

    Raises:
        InputError: None of the configurations that ship fits, or several do.
    """
    if saved := _saved_config(content):
        return ModelConfig.from_mapping(saved, 'its configuration')
    named = OFFICIAL_NAME.fullmatch(stem)
    if named and named[1] in config_names():
        return ModelConfig.from_name(named[1])
    fitting = [
        config for name in config_names() if _fits(config := ModelConfig.from_name(name), weights)
    ]
    count = _count_classes(weights)
    alike = [config for config in fitting if len(config.class_names) == count] or fitting
    plain = re.sub(r'\W+', '_', stem.lower())
    alike = [config for config in alike if config.name in plain] or alike
    if len(alike) == 1:
        return alike[0]
    if not fitting:
        raise InputError(
            'weights must fit one of the configurations that ship, but fit none of '
            f'{", ".join(config_names())}: {HOW_TO_GIVE}'
        )
    names = ', '.join(config.name for config in alike)
    raise InputError(
        f'weights must tell their configuration, but those of {count} classes may be of {names}: '
        f'{HOW_TO_GIVE}'
    )


def refuse_other_classes(config: ModelConfig, weights: Mapping[str, Tensor]) -> None:
    """Refuse weights of another number of classes than a configuration names.

    Raises:
        InputError: The numbers differ.
    """
    found, wanted = _count_classes(weights), len(config.class_names)
    if found not in (0, wanted):
        raise InputError(
            f'weights must have the {wanted} classes of configuration {config.name}, got {found}: '
            f'{HOW_TO_GIVE}, whose class_names are theirs'
        )


def _saved_config(content: object) -> dict[str, Any] | None:
    """Return the configuration that a state of a training here says it is of."""
    state = content.get(STATE) if isinstance(content, dict) else None
    owner = state.get(OWNER) if isinstance(state, dict) else None
    config = owner.get(MODEL) if isinstance(owner, dict) else None
    return config if isinstance(config, dict) else None


def _fits(config: ModelConfig, weights: Mapping[str, Tensor]) -> bool:
    """Return whether weights have the shapes of a configuration, whatever its classes."""
    names = tuple(map(str, range(_count_classes(weights))))
    if not names:
        return False
    with torch.device('meta'):
        expected = build_network(config.replace(class_names=names)).state_dict()
    return find_misfit(weights, expected) is None


def _count_classes(weights: Mapping[str, Tensor]) -> int:
    by_class = weights.get(EVERY_NETWORK_HAS)
    return 0 if by_class is None or by_class.dim() == 0 else len(by_class)
