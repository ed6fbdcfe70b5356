"""Paired bootstrap over images: how sure the difference between two contenders is.

Images are drawn, in blocks as neighbouring ones resemble each other, the same ones for both
contenders, and the difference of each figure is computed anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yolact_core.evaluation.bootstrap import draw_weights, interval_of
from yolact_ros.bag.evaluate.figures.metric_kinds import Floats, Place, Weighted
from yolact_ros.bag.evaluate.figures.metrics import row_of, rows
from yolact_ros.bag.evaluate.records import FrameRecord

BETTER, WORSE = 'better', 'worse'


@dataclass(frozen=True)
class Difference:
    """How much a figure of a contender is above that of the first one.

    Args:
        value: Difference on all images; None where nothing tells it.
        low: Lower end of the interval that holds 95 % of the resampled differences; None where
            there is no interval.
        high: Upper end of that interval.
    """

    value: float | None
    low: float | None
    high: float | None

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def judge(name: str, difference: Difference) -> str:
    """Say in a word or two what a difference to the first contender means.

    Args:
        name: Name of the figure.
        difference: How much it is above that of the first contender.
    """
    if difference.value is None or difference.low is None:
        return '-'
    if not difference.is_sure:
        return 'not sure'
    higher_is_better = row_of(name).higher_is_better
    if higher_is_better is None:
        return 'differs'
    return BETTER if (difference.value > 0) == higher_is_better else WORSE


def compare_contenders(
    frames: Sequence[FrameRecord],
    class_count: int,
    resamples: int = 1000,
    block: int = 10,
    seed: int = 0,
) -> list[dict[str, Difference]]:
    """Return by how much each contender but the first one differs from it.

    Args:
        frames: Records of all images, with the results of all contenders.
        class_count: Number of classes.
        resamples: How often images are drawn.
        block: How many successive images are drawn together.
        seed: Seed of the random numbers.

    Returns:
        By name of the figure, one mapping for each contender but the first.
    """
    figures = [
        _weighted_figures(frames, index, class_count) for index in range(len(frames[0].results))
    ]
    whole = [_compute(one, np.ones(len(frames))) for one in figures]
    draws = [
        [_compute(one, weights) for one in figures]
        for weights in draw_weights(len(frames), resamples, block, seed)
    ]
    return [
        {
            name: _interval(
                whole[index][name] - whole[0][name],
                [draw[index][name] - draw[0][name] for draw in draws],
            )
            for name in whole[0]
            if name in whole[index]
        }
        for index in range(1, len(figures))
    ]


def add_differences(
    known: Mapping[str, Difference],
    first: Mapping[str, float | None],
    other: Mapping[str, float | None],
) -> dict[str, Difference]:
    """Return differences of all figures: those that no single image tells have no interval.

    Args:
        known: Differences with an interval, by name of the figure.
        first: All figures of the first contender.
        other: All figures of the other contender.
    """
    differences = {}
    for row in rows(Place.DIFFERENCES):
        before, after = first[row.name], other[row.name]
        if row.name in known:
            differences[row.name] = known[row.name]
        elif before is not None and after is not None:
            differences[row.name] = Difference(after - before, None, None)
    return differences


def _weighted_figures(
    frames: Sequence[FrameRecord], index: int, class_count: int
) -> dict[str, Weighted]:
    results = [frame.results[index] for frame in frames]
    weighted = {row.name: row.resample(results, class_count) for row in rows(Place.DIFFERENCES)}
    return {name: one for name, one in weighted.items() if one is not None}


def _compute(figures: Mapping[str, Weighted], weights: Floats) -> dict[str, float]:
    return {name: figure(weights) for name, figure in figures.items()}


def _interval(value: float, drawn: Sequence[float]) -> Difference:
    interval = interval_of(drawn)
    if np.isnan(value) or interval is None:
        return Difference(None, None, None)
    return Difference(value, interval.low, interval.high)
