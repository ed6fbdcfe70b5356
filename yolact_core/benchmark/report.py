"""What was measured, as figures that can be compared, and how exact the models are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from yolact_core.benchmark.variants import TOTAL, Measurement, Subject
from yolact_core.checkpoints.checkpoint import hash_weights, load_checkpoint
from yolact_core.checkpoints.model_zoo import OFFICIAL_MODELS, shipped_models
from yolact_core.detector import ID_DIGITS
from yolact_core.errors import InputError
from yolact_core.records import parse_json

MEBIBYTE = 1 << 20
EXACT = 'float32'  # in which all backends give the same results
BEST_FIRST = ('test', 'best', 'last')  # of the figures that training writes down

Samples = Mapping[tuple[str, bool], Sequence[Measurement]]  # by name, and whether "busy"
Accuracies = dict[tuple[str, str, str], float]  # by model, backend ('' where all agree), precision


@dataclass(frozen=True)
class Spread:
    """The middle of a ratio of many rounds, and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return that of these values."""
        low, median, high = np.percentile(values, (25, 50, 75)).tolist()
        return cls(median, low, high)


@dataclass(frozen=True)
class Milliseconds:
    """Median and 95th percentile of the time that something took."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Milliseconds:
        """Return those of these seconds."""
        p50, p95 = (1000 * np.percentile(seconds, (50, 95))).tolist()
        return cls(p50, p95)


@dataclass(frozen=True)
class Result:
    """The figures of one variant.

    Args:
        name: Name in tables, unique.
        model_id: Identity of configuration and weights.
        backend: Name of the backend that ran it.
        precision: Precision of the arithmetic.
        stages: Time by stage, ``total`` included.
        times_faster: Time of each reference divided by this one's, round by round, by the name of
            the reference.
        processor: Time of all threads together, that in which they wait without sleeping included.
        busy_slowdown: Time beside a busy process divided by that without; None if not measured.
        host_mib: Peak memory in MiB above the level before it was loaded; None if not known.
        device_mib: The same for the memory of a GPU.
        instances: Instances found in an image, on average.
        mask_ap: Mask AP on a data set, in percent; None if not known.
    """

    name: str
    model_id: str
    backend: str
    precision: str
    stages: dict[str, Milliseconds]
    processor: Milliseconds
    times_faster: dict[str, Spread]
    busy_slowdown: Spread | None
    host_mib: float | None
    device_mib: float | None
    instances: float
    mask_ap: float | None = None

    @property
    def images_per_second(self) -> float:
        """How many images can be detected in one after the other."""
        return 1000 / self.stages[TOTAL].p50

    @property
    def outside_network(self) -> float:
        """Median milliseconds of all stages but the network."""
        parts = ('preprocess', 'nms', 'masks')
        return sum(self.stages[part].p50 for part in parts if part in self.stages)


@dataclass(frozen=True)
class Report:
    """What was measured, on what machine.

    Args:
        machine: Facts about the machine: processor, threads, versions.
        workload: What each variant was given to do, in words.
        rounds: Number of rounds.
        results: Figures of the variants, references first.
        left_out: Why a variant could not be measured, by its name.
    """

    machine: dict[str, Any]
    workload: str
    rounds: int
    results: tuple[Result, ...]
    left_out: dict[str, str]

    def __getitem__(self, name: str) -> Result:
        """Return the result of that name."""
        return next(result for result in self.results if result.name == name)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return dataclasses.asdict(self)


def summarise(name: str, subject: Subject, samples: Samples, references: Sequence[str]) -> Result:
    """Return the figures of one variant.

    Args:
        name: Name of the variant in tables.
        subject: Variant that was measured.
        samples: What each round took all variants.
        references: Names of the variants that it is compared with.
    """
    ours, busy = samples[name, False], samples.get((name, True))
    return Result(
        name=name,
        model_id=subject.model_id,
        backend=subject.backend,
        precision=subject.precision,
        stages={
            stage: Milliseconds.of([one.seconds[stage] for one in ours])
            for stage in ours[0].seconds
        },
        processor=Milliseconds.of([one.processor for one in ours]),
        times_faster={
            other: _ratio(samples[other, False], ours) for other in references if other != name
        },
        busy_slowdown=_ratio(busy, ours) if busy else None,
        host_mib=_mebibytes(subject.host_bytes),
        device_mib=_mebibytes(subject.device_bytes),
        instances=float(np.mean([one.instances for one in ours])),
    )


def read_accuracy(evaluations: Sequence[Path], models: Sequence[str]) -> Accuracies:
    """Return the mask AP, in percent, of all models for which it is written down.

    Args:
        evaluations: Files that ``yolact evaluate --output`` wrote.
        models: Names and paths of models. Our checkpoints hold the figures that training reached;
            those of the official ones were published.

    Raises:
        InputError: A file cannot be read.
    """
    known: Accuracies = {}
    for model in models:
        if model in OFFICIAL_MODELS:
            known[model, '', EXACT] = OFFICIAL_MODELS[model].mask_ap
        elif (path := shipped_models().get(model, Path(model))).suffix == '.safetensors':
            known |= _of_checkpoint(path)
    for file in evaluations:
        known |= _of_evaluation(file)
    return known


def add_accuracy(report: Report, known: Accuracies) -> Report:
    """Return the report with the mask AP of each variant for which it is known."""
    results = tuple(
        dataclasses.replace(result, mask_ap=_find(known, result)) for result in report.results
    )
    return dataclasses.replace(report, results=results)


def _ratio(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> Spread:
    pairs = zip(ours, theirs, strict=True)
    return Spread.of([one.seconds[TOTAL] / other.seconds[TOTAL] for one, other in pairs])


def _mebibytes(count: int | None) -> float | None:
    return None if count is None else count / MEBIBYTE


def _find(known: Accuracies, result: Result) -> float | None:
    if result.precision != EXACT:
        return known.get((result.model_id, result.backend, result.precision))
    by_name = known.get((result.model_id.partition('@')[0], '', EXACT))
    return known.get((result.model_id, '', EXACT), by_name)


def _of_checkpoint(path: Path) -> Accuracies:
    network, facts = load_checkpoint(path)
    figures = next((facts.training[key] for key in BEST_FIRST if key in facts.training), None)
    if figures is None:
        return {}
    model_id = f'{network.config.name}@{hash_weights(network)[:ID_DIGITS]}'
    return {(model_id, '', EXACT): figures['mask_ap']}


def _of_evaluation(path: Path) -> Accuracies:
    try:
        values: dict[str, Any] = parse_json(path.read_bytes())
        conditions, mask_ap = values['detector'], values['precisions']['mask']['ap']
        precision = conditions.get('precision', EXACT)
        backend = '' if precision == EXACT else conditions['backend']
        return {(values['model'], backend, precision): mask_ap}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f'{path} must be a file that "yolact evaluate --output" wrote: {error}'
        ) from error
