"""What ``auto`` chose and why: kept for the situation that it was chosen in."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import torch

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.cores import read_cpu, usable_cores
from yolact_core.files import replace_when_done
from yolact_core.network import Yolact
from yolact_core.runtimes.exported_backend import FORMAT, ROUNDING
from yolact_core.runtimes.registry import RUNTIMES
from yolact_core.threads import POLICY

KEY_DIGITS = 16
WAITING = (POLICY, 'GOMP_SPINCOUNT')  # how threads of OpenMP wait for work


class Candidate(NamedTuple):
    """One way to run a model.

    Attributes:
        backend: Name of the backend.
        precision: Precision of the arithmetic.
    """

    backend: str
    precision: str

    def __str__(self) -> str:
        return f'{self.backend} {self.precision}'


class Median(NamedTuple):
    """A median, and the interval that holds the true one in about 95 of 100 cases.

    Attributes:
        value: Median of what was measured.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """What was measured of one candidate.

    Args:
        candidate: What was measured.
        milliseconds: Time of one image.
        times_slower: How many times longer it takes than the fastest, round by round.
        rounds: Number of rounds that it took part in; fewer than others if it fell behind.
    """

    candidate: Candidate
    milliseconds: Median
    times_slower: Median
    rounds: int


@dataclass(frozen=True)
class Choice:
    """A decision and its reasons.

    Args:
        candidate: What was chosen.
        measured: All that took part, the fastest first; empty if nothing was measured.
        others: Cores that other processes used meanwhile, on average.
    """

    candidate: Candidate
    measured: tuple[Measured, ...] = ()
    others: float = 0.0

    def __str__(self) -> str:
        times = ', '.join(
            f'{one.candidate} {one.milliseconds.value:.0f} ms' for one in self.measured
        )
        return f'{self.candidate} ({times or "not measured"})'


def model_key(network: Yolact, precision: str = 'float32') -> str:
    """Return a name for a network that changes with its weights, configuration and our format.

    Args:
        network: Network in evaluation mode.
        precision: Precision of the file; for int8 the name changes with the ranges as well.
    """
    facts: list[Any] = [FORMAT, hash_weights(network), network.config.to_mapping()]
    if precision == 'int8':
        ranges = {name: values.tolist() for name, values in network.ranges.items()}
        facts += [ROUNDING, ranges]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return f'{network.config.name}-{digest[:KEY_DIGITS]}'


def situation(model: str, candidates: Sequence[Candidate] = ()) -> dict[str, Any]:
    """Return all that a choice depends on.

    Args:
        model: A name that changes with weights and configuration.
        candidates: All that takes part.
    """
    packages = ['torch', *(name for runtime in RUNTIMES.values() for name in runtime.versions)]
    return {
        'model': model,
        'candidates': list(map(str, candidates)),
        'cpu': read_cpu('model name') or platform.machine(),
        'cores': usable_cores(),
        'threads': torch.get_num_threads(),
        'waiting': {name: os.environ.get(name) for name in WAITING},
        'versions': {name: _version(name) for name in packages},
    }


def record_of(facts: Mapping[str, Any], folder: Path) -> Path:
    """Return the file that keeps what is chosen in a situation.

    Args:
        facts: The situation.
        folder: Folder of the cache.
    """
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return folder / 'choices' / f'{digest[:KEY_DIGITS]}.json'


def recall(facts: Mapping[str, Any], folder: Path) -> Choice | None:
    """Return what was chosen in this situation before; None if nothing was, or it is damaged."""
    try:
        values = json.loads(record_of(facts, folder).read_text(encoding='utf-8'))
        measured = tuple(
            Measured(
                Candidate(*one['candidate']),
                Median(*one['milliseconds']),
                Median(*one['times_slower']),
                one['rounds'],
            )
            for one in values['measured']
        )
        return Choice(Candidate(*values['candidate']), measured, values['others'])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(choice: Choice, facts: Mapping[str, Any], folder: Path) -> None:
    """Write a choice down, together with the situation that it was made in."""
    values = {**dataclasses.asdict(choice), 'situation': facts}
    with replace_when_done(record_of(facts, folder)) as unfinished:
        unfinished.write_text(json.dumps(values, indent=2) + '\n', encoding='utf-8')


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
