"""Kinds of figures of a bag: means, average precision, and latency.

Each knows its value on all images, how it changes where images count differently often, and how
it is named and written.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.evaluation.precision import AveragePrecision
from yolact_core.evaluation.tracks import TrackFigures
from yolact_core.evaluation.weighted import WeightedPrecision
from yolact_ros.bag.evaluate.records import FrameResult

Floats = npt.NDArray[np.float64]
Number = Floats | float | np.integer[Any]
Amount = Callable[[FrameResult, FrameResult | None], Number]
Weighted = Callable[[Floats], float]  # a figure where each image counts so often, shape (F,)


class Place(Flag):
    """Where a figure is shown."""

    FIGURES = auto()  # figures of the JSON; limits can be set on them
    TABLE = auto()  # table of the report and, of the figures above, of the terminal
    OVERVIEW = auto()  # table of many bags on the terminal
    TILE = auto()  # head of the report
    DIFFERENCES = auto()  # differences between contenders, with their intervals
    COURSE = auto()  # chart over time


SECONDS_PER_MINUTE = 60.0

HIDDEN = Place.FIGURES
SHOWN = HIDDEN | Place.TABLE
COMPARED = SHOWN | Place.DIFFERENCES
EVERYWHERE = COMPARED | Place.COURSE


def write_number(value: float | None, digits: int, *, is_signed: bool = False) -> str:
    """Return a number with so many digits behind the point; a dash for None and NaN."""
    is_known = value is not None and not math.isnan(value)
    return f'{value:{"+" if is_signed else ""}.{digits}f}' if is_known else '-'


@dataclass(frozen=True)
class Evaluated:
    """Numbers of one contender that figures are made of.

    Args:
        results: Result of each image, topic by topic in the order of recording.
        precision: Average precision by kind, ``box`` and ``mask``; empty without truth.
        latency: Seconds by stage, then by ``mean`` or quantile; empty for recorded results.
        tracks: How well tracks follow the objects of the truth; None where nothing tells it.
    """

    results: Sequence[FrameResult]
    precision: Mapping[str, AveragePrecision]
    latency: Mapping[str, Mapping[str, float]]
    tracks: TrackFigures | None


@dataclass(frozen=True, kw_only=True)
class Row(ABC):
    """How a figure is named and written.

    Args:
        name: Key in JSON and limits.
        title: Name in a few words.
        unit: Unit after the number; empty for counts and fractions of 1.
        digits: Digits behind the point in the report.
        higher_is_better: Which end is better; None if neither is.
        text: Meaning in a sentence.
        places: Where it is shown.
    """

    name: str
    title: str
    unit: str = ''
    digits: int = 3
    higher_is_better: bool | None = True
    text: str = ''
    places: Place = EVERYWHERE

    @property
    def heading(self) -> str:
        """Title with the unit, for tables."""
        return f'{self.title}, {self.unit}' if self.unit else self.title

    def write(self, value: float | None, *, is_signed: bool = False) -> str:
        """Return a value without its unit; a dash where it cannot be told."""
        return write_number(value, self.digits, is_signed=is_signed)

    @abstractmethod
    def value(self, evaluated: Evaluated) -> float | None:
        """Return the figure of all images; None where nothing tells it."""

    def resample(self, results: Sequence[FrameResult], class_count: int) -> Weighted | None:
        """Return the figure as a function of how often each image counts, if that can be told.

        Args:
            results: Results of one contender, shape (F,).
            class_count: Number of classes.
        """
        del results, class_count
        return None


Measured = tuple[Floats, float]  # values of an image, and what their sum is divided by


@dataclass(frozen=True, kw_only=True)
class Metric(Row):
    """A figure that is a sum over images divided by another.

    Args:
        amount: Values that an image adds, from its result and that of the image before.
        count: What an image adds to the divisor, from the same.
        per: Unit of the divisor, such as 60 for seconds that make minutes.
        by_class: Whether instances of one class have the figure, too.
        is_told: Whether a result can tell the figure; if none can, it is left out.
    """

    amount: Amount
    count: Amount
    per: float = 1.0
    by_class: bool = False
    is_told: Callable[[FrameResult], bool] = lambda _: True

    def is_known(self, results: Sequence[FrameResult]) -> bool:
        """Return whether any of the results can tell the figure."""
        return any(map(self.is_told, results))

    def measure(self, results: Sequence[FrameResult]) -> list[Measured]:
        """Return amounts and count of each image."""
        return [
            (np.atleast_1d(np.asarray(self.amount(*pair), np.float64)), float(self.count(*pair)))
            for pair in zip(results, [None, *results], strict=False)
        ]

    def mean(self, results: Sequence[FrameResult]) -> float | None:
        """Return the figure of some images; None where nothing tells it."""
        if not self.is_known(results):
            return None
        measured = self.measure(results)
        divisor = sum(count for _, count in measured) / self.per
        amounts = np.concatenate([amount for amount, _ in measured])
        return float(amounts.sum()) / divisor if divisor else None

    def value(self, evaluated: Evaluated) -> float | None:
        """Return the figure of all images; None where nothing tells it."""
        return self.mean(evaluated.results)

    def sums(self, results: Sequence[FrameResult]) -> Floats:
        """Return the sum and the divisor of each image, shape (F, 2)."""
        pairs = [(float(one.sum()), count / self.per) for one, count in self.measure(results)]
        return np.array(pairs, dtype=np.float64).reshape(-1, 2)

    def resample(self, results: Sequence[FrameResult], class_count: int) -> Weighted | None:
        """Return the figure as a function of how often each image counts, if that can be told."""
        del class_count
        if not self.is_known(results):
            return None
        amounts, counts = np.ascontiguousarray(self.sums(results).T)

        def weighted(weights: Floats) -> float:
            divisor = weights @ counts
            return float(weights @ amounts / divisor) if divisor else float('nan')

        return weighted


per_minute = partial(
    Metric, unit='per minute', digits=1, higher_is_better=False, per=SECONDS_PER_MINUTE
)


@dataclass(frozen=True, kw_only=True)
class Precision(Row):
    """Average precision, or a part of it, as a fraction.

    Args:
        kind: ``box`` or ``mask``.
        part: Attribute of ``AveragePrecision``.
    """

    kind: str
    part: str

    def value(self, evaluated: Evaluated) -> float | None:
        """Return the figure of all images; None without truth or without such objects."""
        whole = evaluated.precision.get(self.kind)
        percent = getattr(whole, self.part) if whole else None
        return None if percent is None else percent / 100

    def resample(self, results: Sequence[FrameResult], class_count: int) -> Weighted | None:
        """Return mean AP as a function of how often each image counts; None without truth."""
        if not any(result.truth for result in results):
            return None
        matches = [getattr(one.truth, self.kind) if one.truth else {} for one in results]
        return WeightedPrecision(matches, class_count)


@dataclass(frozen=True, kw_only=True)
class Latency(Row):
    """Milliseconds from message to detections.

    Args:
        quantile: ``median``, ``p95`` or ``p99``.
    """

    quantile: str

    def value(self, evaluated: Evaluated) -> float | None:
        """Return the figure of all images; None for recorded results."""
        seconds = evaluated.latency.get('total', {}).get(self.quantile)
        return None if seconds is None else 1000 * seconds


@dataclass(frozen=True, kw_only=True)
class Identity(Row):
    """How well tracks follow the objects of the truth; no single image tells it.

    Args:
        part: Attribute of ``TrackFigures``.
    """

    part: str

    def value(self, evaluated: Evaluated) -> float | None:
        """Return the figure of all images; None without tracks or without ids in the truth."""
        value = getattr(evaluated.tracks, self.part) if evaluated.tracks else None
        return None if value is None else float(value)
