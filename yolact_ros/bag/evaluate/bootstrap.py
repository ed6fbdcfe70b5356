"""Paired bootstrap over images: how sure the difference between two contenders is.

Images are drawn with replacement, the same ones for both contenders, and the difference of each
figure is computed anew (Efron and Tibshirani 1993). As neighbouring images of a video resemble
each other, they are drawn in blocks (Kuensch 1989): else the intervals would be too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.evaluation.matches import ImageMatches
from yolact_ros.bag.evaluate.metrics import SECONDS_PER_MINUTE
from yolact_ros.bag.evaluate.records import FrameRecord

RECALLS = np.linspace(0.0, 1.0, 101)
LOW, HIGH = 0.025, 0.975

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """How much a figure of a contender is above that of the first one.

    Args:
        value: On all images; None where it cannot be told.
        low: Lower end of the interval that holds 95 % of the resampled differences.
        high: Upper end.
    """

    value: float | None
    low: float | None
    high: float | None

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


class _Ratio:
    """A figure that is one sum over images divided by another.

    Args:
        amounts: Of each image, shape (F,).
        counts: Of each image, shape (F,).
    """

    def __init__(self, amounts: Sequence[float], counts: Sequence[float]) -> None:
        self._amounts, self._counts = np.array(amounts, float), np.array(counts, float)

    def __call__(self, weights: Floats) -> float:
        """Return the figure where each image counts so often."""
        count = weights @ self._counts
        return float(weights @ self._amounts / count) if count else float('nan')


class WeightedPrecision:
    """Average precision, as a fraction, where each image counts so often.

    Args:
        matches: Of each image.
        class_count: Of classes.
    """

    def __init__(self, matches: Sequence[ImageMatches], class_count: int) -> None:
        self._classes = [
            _ClassCurve(matches, class_id)
            for class_id in range(class_count)
            if any(class_id in one for one in matches)
        ]

    def __call__(self, weights: Floats) -> float:
        """Return mean AP over classes that have objects."""
        values = [curve(weights) for curve in self._classes]
        defined = [value for value in values if value is not None]
        return float(np.mean(defined)) if defined else float('nan')


class _ClassCurve:
    """Detections of one class in all images, best score first."""

    def __init__(self, matches: Sequence[ImageMatches], class_id: int) -> None:
        present = [(image, one[class_id]) for image, one in enumerate(matches) if class_id in one]
        images = np.concatenate([np.full(len(one.scores), image) for image, one in present])
        scores = np.concatenate([one.scores for _, one in present])
        order = np.argsort(-scores, kind='mergesort')
        is_match = np.concatenate([one.is_match[0] for _, one in present], axis=1)[:, order]
        is_ignored = np.concatenate([one.is_ignored[0] for _, one in present], axis=1)[:, order]
        self._images = images[order].astype(np.int64)
        self._hits, self._misses = is_match & ~is_ignored, ~is_match & ~is_ignored  # (T, D)
        self._objects = np.zeros(len(matches))
        for image, one in present:
            self._objects[image] = one.objects[0]

    def __call__(self, weights: Floats) -> float | None:
        """Return mean AP over IoU thresholds, at COCO's 101 recalls; None without objects."""
        objects = weights @ self._objects
        if objects == 0:
            return None
        of_each = weights[self._images]
        hits = np.cumsum(self._hits * of_each, axis=1)
        misses = np.cumsum(self._misses * of_each, axis=1)
        precision = hits / (hits + misses + np.spacing(1))
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        padded = np.concatenate([precision, np.zeros((len(precision), 1))], axis=1)
        recall = hits / objects
        return float(
            np.mean(
                [
                    row[np.searchsorted(reached, RECALLS, side='left')]
                    for row, reached in zip(padded, recall, strict=True)
                ]
            )
        )


def compare_contenders(
    frames: Sequence[FrameRecord],
    class_count: int,
    resamples: int = 1000,
    block: int = 10,
    seed: int = 0,
) -> list[dict[str, Difference]]:
    """Return by how much each contender but the first one differs from it.

    Args:
        frames: Of all contenders.
        class_count: Of classes.
        resamples: How often images are drawn.
        block: How many successive images are drawn together.
        seed: Of the drawing.

    Returns:
        By name of the figure, of each contender but the first.
    """
    figures = [_figures_of(frames, index, class_count) for index in range(len(frames[0].results))]
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
        }
        for index in range(1, len(figures))
    ]


def draw_weights(images: int, resamples: int, block: int, seed: int) -> Iterator[Floats]:
    """Iterate over how often each image is drawn, in blocks that go on at the start.

    Args:
        images: How many there are.
        resamples: How often they are drawn.
        block: Images drawn together.
        seed: Of the drawing.
    """
    random = np.random.default_rng(seed)
    block = min(block, images)
    for _ in range(resamples):
        starts = random.integers(images, size=-(-images // block))
        drawn = (starts[:, None] + np.arange(block)).ravel()[:images] % images
        yield np.bincount(drawn, minlength=images).astype(np.float64)


def _figures_of(
    frames: Sequence[FrameRecord], index: int, class_count: int
) -> Mapping[str, _Ratio | WeightedPrecision]:
    results = [frame.results[index] for frame in frames]
    figures: dict[str, _Ratio | WeightedPrecision] = {}
    truths = [result.truth for result in results]
    known = [truth for truth in truths if truth is not None]
    if known:
        for name, kind in (('box_ap', 'box'), ('mask_ap', 'mask')):
            matches = [getattr(truth, kind) if truth else {} for truth in truths]
            figures[name] = WeightedPrecision(matches, class_count)
        figures['quality'] = _Ratio(
            [truth.quality if truth else 0.0 for truth in truths],
            [float(truth is not None) for truth in truths],
        )
    steady = [result.steadiness for result in results]
    minutes = [one.seconds / SECONDS_PER_MINUTE if one else 0.0 for one in steady]
    lost = [float(len(one.lost_classes)) if one else 0.0 for one in steady]
    overlap = [float(one.overlaps.sum()) if one else 0.0 for one in steady]
    matched = [float(len(one.overlaps)) if one else 0.0 for one in steady]
    switches = [
        float((one.classes_before != one.classes_after).sum()) if one else 0.0 for one in steady
    ]
    return {
        **figures,
        'stability': _Ratio(overlap, [a + b for a, b in zip(matched, lost, strict=True)]),
        'flicker_per_minute': _Ratio(lost, minutes),
        'class_switches_per_minute': _Ratio(switches, minutes),
        'box_jitter_px': _Ratio(
            [float(np.nansum(one.jitters)) if one else 0.0 for one in steady],
            [float((~np.isnan(one.jitters)).sum()) if one else 0.0 for one in steady],
        ),
        'instances_per_image': _Ratio(
            [float(len(result.class_ids)) for result in results], [1.0] * len(results)
        ),
    }


def _compute(
    figures: Mapping[str, _Ratio | WeightedPrecision], weights: Floats
) -> dict[str, float]:
    return {name: figure(weights) for name, figure in figures.items()}


def _interval(value: float, drawn: Sequence[float]) -> Difference:
    defined = [one for one in drawn if not np.isnan(one)]
    if np.isnan(value) or not defined:
        return Difference(None, None, None)
    return Difference(value, float(np.quantile(defined, LOW)), float(np.quantile(defined, HIGH)))
