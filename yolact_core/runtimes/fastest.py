"""Which backend is fastest for a model on this machine: measured once, then remembered."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import statistics
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from yolact_core.files import replace_when_done
from yolact_core.runtimes.registry import RUNTIMES
from yolact_core.threads import POLICY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolact_core.runtimes import Backend

ROUNDS = 5
KEY_DIGITS = 16
WAITING = (POLICY, 'GOMP_SPINCOUNT')  # how threads of OpenMP wait for work
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """A decision and its reasons.

    Args:
        backend: Name of the fastest backend.
        milliseconds: Median time of one image by backend.
    """

    backend: str
    milliseconds: dict[str, float]

    def __str__(self) -> str:
        times = ', '.join(f'{name} {time:.0f} ms' for name, time in self.milliseconds.items())
        return f'{self.backend} ({times})'


def situation(model: str, precision: str) -> dict[str, Any]:
    """Return all that a choice depends on.

    Args:
        model: A name that changes with weights and configuration.
        precision: Precision that was asked for.
    """
    packages = ['torch', *(name for runtime in RUNTIMES.values() for name in runtime.versions)]
    return {
        'model': model,
        'precision': precision,
        'cpu': _cpu_name(),
        'threads': torch.get_num_threads(),
        'waiting': {name: os.environ.get(name) for name in WAITING},
        'versions': {name: _version(name) for name in packages},
    }


def recall(facts: Mapping[str, Any], folder: Path) -> Choice | None:
    """Return what was chosen in this situation before; None if nothing was, or it is damaged."""
    try:
        values = json.loads(_record(facts, folder).read_text(encoding='utf-8'))
        return Choice(values['backend'], values['milliseconds'])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(choice: Choice, facts: Mapping[str, Any], folder: Path) -> None:
    """Write a choice down, together with the situation that it was made in."""
    values = {'backend': choice.backend, 'milliseconds': choice.milliseconds, **facts}
    with replace_when_done(_record(facts, folder)) as unfinished:
        unfinished.write_text(json.dumps(values, indent=2) + '\n', encoding='utf-8')


@torch.inference_mode()
def choose_fastest(backends: Mapping[str, Backend]) -> Choice:
    """Run all backends in turn, so that a machine that drifts does not decide.

    Args:
        backends: Backends of the same model on a CPU, by name.
    """
    side = next(iter(backends.values())).config.input_size
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    inputs = {name: backend.prepare([image]) for name, backend in backends.items()}
    seconds: dict[str, list[float]] = {name: [] for name in backends}
    for _ in range(1 + ROUNDS):
        for name, backend in backends.items():
            start = time.perf_counter()
            backend(inputs[name])
            seconds[name].append(time.perf_counter() - start)
    medians = {name: 1000 * statistics.median(values[1:]) for name, values in seconds.items()}
    return Choice(min(medians, key=medians.__getitem__), medians)


def _record(facts: Mapping[str, Any], folder: Path) -> Path:
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return folder / 'choices' / f'{digest[:KEY_DIGITS]}.json'


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu_name() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        lines = []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()
