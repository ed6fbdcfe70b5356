"""State dicts out of the files of any program, under the names of our networks."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from yolact_core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

DEEPEST = 4  # containers within each other
ADDED = ('module', '_orig_mod')  # parts of names: of DataParallel and torch.compile
AVERAGE = re.compile(r'(^|_)(ema|average|averaged|shadow)(_|$)')  # parts of names, too
EVERY_NETWORK_HAS = 'semantic_seg_conv.weight'
COUNTER = '.num_batches_tracked'  # which nothing needs
IGNORED = re.compile(  # the counters and what is left over in old official files
    rf'^fpn\.downsample_layers\.|^backbone\.layer\d|{re.escape(COUNTER)}$'
)

_StateDict = tuple[tuple[str, ...], dict[str, Tensor]]  # the keys on the way to it, and itself


def holds_safetensors(path: Path) -> bool:
    """Return whether a file begins as safetensors do, with a length and then JSON."""
    return _read_beginning(path)[8:9] == b'{'


def read_pickle(path: Path) -> object:
    """Read what ``torch.save`` wrote, if it is plain data and tensors.

    Raises:
        InputError: The file cannot be read, or holds more than that.
    """
    try:
        with path.open('rb') as file, warnings.catch_warnings():
            warnings.simplefilter('ignore')  # what is wrong with the file is said below
            return torch.load(file, map_location='cpu', weights_only=True)
    except Exception as error:
        raise InputError(f'{path} must {_say_what_fails(path, error)}') from error


def normalize(content: object) -> dict[str, Tensor]:
    """Return the weights in what a training program saved, under their own names.

    A whole state of a training may hold them at any place, beside an optimizer and other networks,
    and wrappers lengthen their names. Of weights and their moving average, the average is taken.

    Args:
        content: What the file holds.

    Raises:
        InputError: There are no weights in it, or those of several networks.
    """
    dicts = list(_find_state_dicts(content))
    if not dicts:
        raise InputError(f'weights must be a state dict of tensors, got {_describe(content)}')
    networks = [network for found in dicts for network in _find_networks(*found)]
    if not networks:  # of a backbone alone, or of something else
        return max(dicts, key=lambda found: (len(found[1]), _is_average(found[0])))[1]
    networks = [found for found in networks if _is_average(found[0])] or networks
    way, weights = networks[0]
    for other, others in networks[1:]:
        if not _are_equal(weights, others):
            raise InputError(
                f'weights must be of one network, got those of {".".join(way) or "the file"} and '
                f'of {".".join(other)}: save the state dict of one'
            )
    return weights


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


def _find_state_dicts(content: object, way: tuple[str, ...] = ()) -> Iterator[_StateDict]:
    """Yield all mappings of names to tensors within each other, without what wrappers add."""
    if not isinstance(content, Mapping) or len(way) > DEEPEST:
        return
    tensors = {
        '.'.join(part for part in key.split('.') if part not in ADDED): value
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }
    if any(value.dim() for value in tensors.values()):
        yield way, tensors
    for key, value in content.items():
        yield from _find_state_dicts(value, (*way, str(key)))


def _find_networks(way: tuple[str, ...], tensors: dict[str, Tensor]) -> Iterator[_StateDict]:
    """Yield the weights of each of our networks among others, under their own names."""
    for anchor in tensors:
        prefix = anchor.removesuffix(EVERY_NETWORK_HAS)
        if anchor == prefix + EVERY_NETWORK_HAS and prefix[-1:] in ('', '.'):
            yield (
                (*way, *filter(None, prefix.split('.'))),
                {
                    key.removeprefix(prefix): value
                    for key, value in tensors.items()
                    if key.startswith(prefix)
                },
            )


def _is_average(way: tuple[str, ...]) -> bool:
    return any(AVERAGE.search(part) for part in way)


def _are_equal(weights: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bool:
    return weights.keys() == others.keys() and all(
        torch.equal(weights[key], others[key]) for key in weights
    )


def _say_what_fails(path: Path, error: Exception) -> str:
    beginning = _read_beginning(path)
    if beginning and not beginning.startswith((b'PK', b'\x80')):
        return f'be a file that torch.save or safetensors wrote, but begins with {beginning!r}'
    if isinstance(error, pickle.UnpicklingError):
        return (
            'hold plain weights: it asks for code to be run, or is damaged; where it is trusted, '
            'save its state dict alone'
        )
    is_told = isinstance(error, OSError | RuntimeError | EOFError)
    reason = _first_sentence(error) if is_told else 'it holds something else'
    return f'be a file that torch.save wrote, and whole: {reason}'


def _read_beginning(path: Path) -> bytes:
    try:
        with path.open('rb') as file:
            return file.read(16)
    except OSError:  # which reading it says better
        return b''


def _describe(content: object) -> str:
    if not isinstance(content, Mapping):
        return type(content).__name__
    return f'keys {_list_some([str(key) for key in content])}' if content else 'an empty one'


def _list_some(keys: list[str], most: int = 3) -> str:
    more = f' and {len(keys) - most} more' if len(keys) > most else ''
    return ', '.join(keys[:most]) + more


def _first_sentence(error: Exception) -> str:
    return re.split(r'\.\s|\n', str(error))[0] or type(error).__name__
