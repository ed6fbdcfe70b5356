"""State dicts out of the files of any program, under the names of our networks."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from yolact_core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

CONTAINERS = (  # keys under which programs keep weights, averages first
    'ema', 'model_ema', 'ema_state_dict', 'state_dict_ema', 'state_dict', 'model_state_dict',
    'model', 'network', 'net', 'weights', 'module',
)  # fmt: skip
DEEPEST = 4  # containers within each other
ADDED = ('module', '_orig_mod')  # parts of names: of DataParallel and torch.compile
AVERAGES = ('average', 'ema', 'ema_model', 'model_ema')  # parts of names, too
EVERY_NETWORK_HAS = 'semantic_seg_conv.weight'
COUNTER = '.num_batches_tracked'  # which nothing needs
IGNORED = re.compile(  # the counters and what is left over in old official files
    rf'^fpn\.downsample_layers\.|^backbone\.layer\d|{re.escape(COUNTER)}$'
)


def read_pickle(path: Path) -> object:
    """Read what ``torch.save`` wrote, if it is plain data and tensors.

    Raises:
        InputError: The file cannot be read, or holds more than that.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # what is wrong with the file is said below
            return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f'{path} must hold plain weights: it asks for code to be run, or is damaged; where it '
            'is trusted, save its state dict alone'
        ) from error
    except (OSError, RuntimeError, EOFError) as error:
        reason = _first_sentence(error)
    except Exception:
        reason = 'it holds something else'
    raise InputError(f'{path} must be a file that torch.save wrote, and whole: {reason}')


def normalize(content: object) -> dict[str, Tensor]:
    """Return the weights in what a training program saved, under their own names.

    A whole state of a training may hold them beside an optimizer and other networks, and wrappers
    lengthen their names. Of weights and their moving average, the average is taken.

    Args:
        content: What the file holds.

    Raises:
        InputError: There are no weights in it.
    """
    weights = _find_tensors(content)
    if not weights:
        raise InputError(f'weights must be a state dict of tensors, got {_describe(content)}')
    named = {
        '.'.join(part for part in key.split('.') if part not in ADDED): value
        for key, value in weights.items()
    }
    prefixes = [key.removesuffix(EVERY_NETWORK_HAS) for key in named if _is_anchor(key)]
    prefixes.sort(key=lambda prefix: not set(AVERAGES) & set(prefix.split('.')))
    prefix = prefixes[0] if prefixes else ''
    return {
        key.removeprefix(prefix): value for key, value in named.items() if key.startswith(prefix)
    }


def load_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load weights of any precision into a network that they fit.

    Args:
        network: Network to load into.
        weights: Weights by name. Leftovers in old official files are ignored, and counters of
            batches may be absent.

    Raises:
        InputError: A name is missing, unknown or of another shape, or weights are not finite; the
            text says which.
    """
    expected = network.state_dict()
    if misfit := find_misfit(weights, expected):
        raise InputError(f'weights must fit the network, but {misfit}')
    known = {**expected, **{key: weights[key] for key in expected if key in weights}}
    try:
        network.load_state_dict(known)
    except Exception as error:  # such as of tensors without values
        raise InputError(f'weights must be plain tensors: {_first_sentence(error)}') from error
    if infinite := not_finite(network):
        raise InputError(f'weights must be finite, but are not in {_list_some(infinite)}')


def find_misfit(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str | None:
    """Return in which names and shapes weights differ from those of a network, if they do."""
    problems = {
        'misses': [key for key in expected if key not in weights and not key.endswith(COUNTER)],
        'also has': [key for key in weights if key not in expected and not IGNORED.search(key)],
        'has other shapes for': [
            f'{key} {tuple(weights[key].shape)} instead of {tuple(value.shape)}'
            for key, value in expected.items()
            if key in weights and weights[key].shape != value.shape
        ],
    }
    found = [f'it {verb} {_list_some(sorted(keys))}' for verb, keys in problems.items() if keys]
    return '; '.join(found) or None


def not_finite(network: nn.Module) -> list[str]:
    """Return the names of the weights that hold infinity or what is no number."""
    return [key for key, value in network.state_dict().items() if not value.isfinite().all()]


def _find_tensors(content: object, deepest: int = DEEPEST) -> dict[str, Tensor]:
    """Return the tensors of the innermost container that has some."""
    if not isinstance(content, Mapping) or deepest == 0:
        return {}
    for key in CONTAINERS:
        if within := _find_tensors(content.get(key), deepest - 1):
            return within
    tensors = {
        key: value
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }
    return tensors if any(value.dim() for value in tensors.values()) else {}


def _describe(content: object) -> str:
    if not isinstance(content, Mapping):
        return type(content).__name__
    return f'keys {_list_some([str(key) for key in content])}' if content else 'an empty one'


def _is_anchor(key: str) -> bool:
    return key == EVERY_NETWORK_HAS or key.endswith(f'.{EVERY_NETWORK_HAS}')


def _list_some(keys: list[str], most: int = 3) -> str:
    more = f' and {len(keys) - most} more' if len(keys) > most else ''
    return ', '.join(keys[:most]) + more


def _first_sentence(error: Exception) -> str:
    return re.split(r'\.\s|\n', str(error))[0] or type(error).__name__
