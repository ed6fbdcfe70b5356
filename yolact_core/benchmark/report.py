"""What was measured, as figures that can be compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yolact_core.benchmark.subjects import TOTAL, Sample, Subject

MEBIBYTE = 1 << 20


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
        name: In tables; unique.
        model_id: Configuration and weights.
        backend: What ran it.
        precision: Of its arithmetic.
        stages: Time by stage, ``total`` included.
        times_faster: Than each reference, by its name: the references' time divided by this
            one's, round by round.
        processor: Time of all threads together, that in which they wait without sleeping included.
        busy_slowdown: Time beside a busy process divided by that without; None if not measured.
        host_mib: Most memory in MiB above the level before it was loaded; None if not known.
        device_mib: The same of a GPU.
        instances: Found in an image, on average.
        mask_ap: On a data set, in percent; None if not known.
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
        machine: By what it is: processor, threads, versions.
        workload: In words.
        rounds: That count.
        results: References first.
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


def summarise(
    name: str,
    subject: Subject,
    samples: Sequence[Sample],
    busy: Sequence[Sample],
    references: Mapping[str, Sequence[Sample]],
) -> Result:
    """Return the figures of one variant.

    Args:
        name: Of it.
        subject: It.
        samples: Of each round.
        busy: Of the same rounds, beside a busy process; or none.
        references: Samples of the same rounds of what it is compared with, by name.
    """
    stages = samples[0].seconds
    return Result(
        name=name,
        model_id=subject.model_id,
        backend=subject.backend,
        precision=subject.precision,
        stages={
            stage: Milliseconds.of([one.seconds[stage] for one in samples]) for stage in stages
        },
        processor=Milliseconds.of([one.processor for one in samples]),
        times_faster={
            other: _ratio(theirs, samples) for other, theirs in references.items() if other != name
        },
        busy_slowdown=_ratio(busy, samples) if busy else None,
        host_mib=_mebibytes(subject.host_bytes),
        device_mib=_mebibytes(subject.device_bytes),
        instances=float(np.mean([one.instances for one in samples])),
    )


def _ratio(ours: Sequence[Sample], theirs: Sequence[Sample]) -> Spread:
    return Spread.of(
        [
            one.seconds[TOTAL] / other.seconds[TOTAL]
            for one, other in zip(ours, theirs, strict=True)
        ]
    )


def _mebibytes(count: int | None) -> float | None:
    return None if count is None else count / MEBIBYTE
