"""Variants side by side on the same work."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from yolact_core.benchmark.measuring import busy_process, run_rounds
from yolact_core.benchmark.report import Report, Samples, summarise
from yolact_core.benchmark.variants import Measurement, Opener, Subject, Variant
from yolact_core.benchmark.workload import Workload
from yolact_core.errors import InputError
from yolact_core.runtimes.choices import situation

PAUSE = 0.02  # seconds between two on a CPU, in which threads that wait for work go to sleep
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BenchmarkOptions:
    """How to measure.

    Args:
        rounds: Number of rounds at most, in each of which all variants take their turn.
        seconds: Seconds after which no round begins.
        is_busy: Whether to measure each variant also beside a process that keeps one core busy.
        calibration: Folder of images for int8.
    """

    rounds: int = 30
    seconds: float = 60.0
    is_busy: bool = False
    calibration: Path | None = None


def run_benchmark(
    variants: Sequence[Variant],
    workload: Workload,
    device: torch.device,
    options: BenchmarkOptions,
    on_round: Callable[[], None] | None = None,
) -> Report:
    """Load all variants, and measure them in turn.

    Args:
        variants: What to measure; one that cannot be loaded is left out, and the report says why.
        workload: What each variant is given to do.
        device: Device that they run on.
        options: How to measure.
        on_round: Function that is called after each round.

    Raises:
        InputError: No variant can be loaded.
    """
    with tempfile.TemporaryDirectory() as folder:
        opener = Opener(workload, device, Path(folder), options.calibration)
        subjects, left_out = _open_all(variants, opener)
    samples = _measure(
        subjects, workload, options, PAUSE if device.type == 'cpu' else 0.0, on_round
    )
    compared = [name for name, subject in subjects.items() if subject.variant.is_reference]
    references = compared or list(subjects)[:1]
    return Report(
        machine=describe_machine(device),
        workload=str(workload),
        rounds=len(next(iter(samples.values()))),
        results=tuple(
            summarise(name, subject, samples, references) for name, subject in subjects.items()
        ),
        left_out=left_out,
    )


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Return what speed depends on besides the variant."""
    facts = situation(model='')
    machine = {key: facts[key] for key in ('cpu', 'threads', 'versions')}
    if device.type == 'cuda':
        machine['gpu'] = torch.cuda.get_device_name(device)
    return machine


def _open_all(
    variants: Sequence[Variant], opener: Opener
) -> tuple[dict[str, Subject], dict[str, str]]:
    """Return what can be measured by name, and why the rest cannot."""
    are_models_named = len({one.model for one in variants if not one.is_reference}) > 1
    subjects: dict[str, Subject] = {}
    left_out: dict[str, str] = {}
    for variant in variants:
        logger.info('loading %s', variant)
        try:
            subject = opener.open(variant)
        except InputError as error:
            left_out[str(variant)] = str(error)
            continue
        subjects.setdefault(subject.name(are_models_named), subject)
    if all(subject.variant.is_reference for subject in subjects.values()) and left_out:
        raise InputError(next(iter(left_out.values())))
    return subjects, left_out


def _measure(
    subjects: Mapping[str, Subject],
    workload: Workload,
    options: BenchmarkOptions,
    pause: float,
    on_round: Callable[[], None] | None,
) -> Samples:
    """Measure each subject on a quiet machine and, if that is asked for, beside a busy process."""

    def measure(subject: Subject, is_beside: bool, number: int) -> Measurement:
        if wake is not None:
            wake(is_beside)
        return subject.measure(workload.images[number % len(workload.images)])

    with busy_process() if options.is_busy else nullcontext() as wake:
        measures = {
            (name, is_beside): partial(measure, subject, is_beside)
            for name, subject in subjects.items()
            for is_beside in sorted({False, options.is_busy})
        }
        return run_rounds(measures, options.rounds, options.seconds, pause, on_round)
