"""What the state of a broken run belongs to, and which runs may go on with it."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from yolact_core.checkpoints.recognition import MODEL, OWNER, STATE
from yolact_core.checkpoints.state_dicts import read_pickle
from yolact_core.errors import InputError
from yolact_core.files import replace_when_done, require_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolact_core.network import Yolact
    from yolact_core.training.options import RunConfig

RESUME = 'resume.ckpt'
LAST = 'last.safetensors'
OPTIONS = 'options'  # with which a state was reached
LOCAL = ('data', 'output', 'resume')  # options that mean nothing on another machine
MOST_TOLD = 120  # characters

logger = logging.getLogger(__name__)


class StateFiles(TorchCheckpointIO):
    """Writes the state of a run whole or not at all, also where the disk gets full."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: object = None,
    ) -> None:
        """Replace the file only when the new one is complete."""
        with replace_when_done(Path(path)) as unfinished:
            torch.save(checkpoint, unfinished)


def find_state(run: RunConfig, folder: Path) -> Path | None:
    """Return the file of the state that a run goes on with, or None for a new run.

    Raises:
        InputError: The file is missing, or would be overwritten, or the folder cannot be one.
    """
    require_folder(folder)
    path = folder / RESUME
    if run.resume and not path.is_file():
        raise InputError(f'{path} must exist to resume')
    if path.exists() and not run.resume:
        raise InputError(f'output must be a folder without {RESUME}, or resume be true: {path}')
    return path if run.resume else None


def describe_state(
    run: RunConfig, network: Yolact, class_names: tuple[str, ...]
) -> dict[str, Any]:
    """Return what a state says about itself besides weights: plain values by name.

    Args:
        run: Options of the run.
        network: Network in training, of which some parts may be frozen.
        class_names: Classes of the data.
    """
    trained = [name for name, weight in network.named_parameters() if weight.requires_grad]
    owner = {
        'classes of data.train': class_names,
        MODEL: network.config.to_mapping(),
        'trained weights': tuple(trained),
        'optimizer.kind': run.optimizer.kind,
        'optimizer.average above 0': run.optimizer.average > 0,
        'content of data.train': hashlib.sha256(Path(run.data.train).read_bytes()).hexdigest(),
        'batch_size': run.batch_size,
        'seed': run.seed,
    }
    options = {
        key: value
        for key, value in _flatten(dataclasses.asdict(run)).items()
        if key.split('.')[0] not in LOCAL
    }
    return {OWNER: owner, OPTIONS: options}


def check_state(path: Path, wanted: Mapping[str, Any]) -> None:
    """Refuse a state that another run has left, and log options that have changed since.

    Args:
        path: File of the state.
        wanted: What ``describe_state`` says of the run that goes on with it.

    Raises:
        InputError: The file cannot be read, or belongs to a run that differs in what a state
            depends on.
    """
    last = path.with_name(LAST)
    weights = f' and model.weights={last}' if last.is_file() else ''
    anew = f'to begin anew, give another output{weights}'
    try:
        found = read_pickle(path)
    except InputError as error:
        raise InputError(f'{error}; {anew}') from error
    state = found.get(STATE) if isinstance(found, dict) else None
    if not isinstance(state, dict) or OWNER not in state or OPTIONS not in state:
        raise InputError(f'{path} must say which run it is of, as this version writes it; {anew}')
    before = _flatten(state[OWNER])
    for key, value in _flatten(wanted[OWNER]).items():
        if before.get(key) != value:
            raise InputError(
                f'{path} must be of a run with the same {key} to be resumed, but '
                f'{_tell_difference(before.get(key), value)}; {anew}'
            )
    changes = [
        f'{key} {value} instead of {state[OPTIONS].get(key)}'
        for key, value in wanted[OPTIONS].items()
        if state[OPTIONS].get(key) != value
    ]
    if changes:
        logger.info('resumed with %s', ', '.join(changes))


def _flatten(values: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Join the keys of nested mappings by dots."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f'{prefix}.{key}' if prefix else key
        flat.update(_flatten(value, name) if isinstance(value, dict) else {name: value})
    return flat


def _tell_difference(old: object, new: object) -> str:
    """Say how two values differ; of long lists, what is in one of them only."""
    text = f'has {old} instead of {new}'
    if len(text) <= MOST_TOLD:
        return text
    if not isinstance(old, tuple) or not isinstance(new, tuple):
        return 'has another'
    alone = [str(item) for item in (*old, *new) if item not in old or item not in new]
    if alone:
        return f'{alone[0]} is in one of them only'
    if len(old) != len(new):
        return f'has {len(old)} of them instead of {len(new)}'
    return 'has them in another order'
