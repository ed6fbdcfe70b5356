"""Which images a report shows: the worst ones and the most different ones, and few."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from yolact_ros.bag.evaluate.records import FrameRecord
from yolact_ros.bag.io.bag import NS_PER_S
from yolact_ros.bag.report import series

OF_EACH_KIND = 6
OF_CLASSES = 12
FARTHEST_APART = 2 * NS_PER_S  # ns between two images of a kind, less in a short bag
DIFFERENT, WORST, UNSTEADY = 'most different', 'worst', 'least steady'

Goodness = Callable[[FrameRecord], float | None]  # None where there is nothing to tell it from


@dataclass(frozen=True)
class Pick:
    """An image that is worth looking at.

    Args:
        record: Of the image.
        reasons: Why, in a few words each.
        is_about_time: Whether the image before belongs beside it.
    """

    record: FrameRecord
    reasons: tuple[str, ...]
    is_about_time: bool


def select_frames(
    frames: Sequence[FrameRecord], class_names: Sequence[str], score_threshold: float
) -> list[Pick]:
    """Pick the images that a report shows.

    Args:
        frames: At least one.
        class_names: That take part.
        score_threshold: What scores above it counts as found.

    Returns:
        First those in which contenders differ most, then the worst ones, or without truth the
        least steady ones, then the worst of each class that is not among them yet.
    """
    has_truth = any(result.truth for frame in frames for result in frame.results)
    reasons: dict[tuple[str, int], list[str]] = {}
    records = {_key(frame): frame for frame in frames}
    for reason, goodness in _kinds(frames, has_truth):
        for frame in _lowest(frames, goodness, OF_EACH_KIND):
            reasons.setdefault(_key(frame), []).append(reason)
    contenders = len(frames[0].results)

    def goodness_of(class_id: int) -> Goodness:
        return _goodness_of(class_id, contenders, has_truth, score_threshold)

    of_classes: Iterable[tuple[str, FrameRecord]] = (
        (f'{WORST if has_truth else UNSTEADY} of {class_names[class_id]}', frame)
        for class_id in series.list_classes(frames)
        for frame in _lowest(frames, goodness_of(class_id), 1)
    )
    most = len(reasons) + OF_CLASSES
    for reason, frame in of_classes:
        if _key(frame) in reasons or len(reasons) < most:
            reasons.setdefault(_key(frame), []).append(reason)
    return [
        Pick(records[key], tuple(why), UNSTEADY in why or (contenders == 1 and not has_truth))
        for key, why in reasons.items()
    ]


def _kinds(frames: Sequence[FrameRecord], has_truth: bool) -> list[tuple[str, Goodness]]:
    contenders = range(len(frames[0].results))
    kinds: list[tuple[str, Goodness]] = []
    if len(contenders) > 1:
        kinds.append((DIFFERENT, lambda frame: min(frame.agreement)))
    if has_truth:
        kinds.append((WORST, _least_of([series.quality(one) for one in contenders])))
    if len(contenders) == 1:
        kinds.append((UNSTEADY, _least_of([series.stability(0)])))
    return kinds


def _goodness_of(
    class_id: int, contenders: int, has_truth: bool, score_threshold: float
) -> Goodness:
    """Return how good results of one class are: how many are right, or how steady they are."""
    if has_truth:
        measures = [_hits(one, class_id, score_threshold) for one in range(contenders)]
    else:
        measures = [series.stability(one, class_id) for one in range(contenders)]
    return _least_of(measures)


def _least_of(measures: Sequence[series.Measure]) -> Goodness:
    """Return the value of the worst contender."""

    def goodness(frame: FrameRecord) -> float | None:
        values = [series.mean_of(measure, frame) for measure in measures]
        return min((value for value in values if value is not None), default=None)

    return goodness


def _lowest(frames: Sequence[FrameRecord], goodness: Goodness, most: int) -> list[FrameRecord]:
    """Return images of the least goodness under 1, but no two that almost show the same.

    Where they are alike, the earliest comes first.
    """
    known = [(value, frame) for frame in frames if (value := goodness(frame)) is not None]
    ranked = sorted(
        ((value, frame) for value, frame in known if value < 1),
        key=lambda one: (one[0], one[1].time, one[1].topic, one[1].index),
    )
    times = [frame.time for frame in frames]
    apart = min(FARTHEST_APART, (max(times) - min(times)) // (2 * OF_EACH_KIND))
    chosen: list[FrameRecord] = []
    for _, frame in ranked:
        if all(one.topic != frame.topic or abs(one.time - frame.time) >= apart for one in chosen):
            chosen.append(frame)
        if len(chosen) == most:
            break
    return chosen


def _hits(index: int, class_id: int, score_threshold: float) -> series.Measure:
    """Measure F1 of the masks of a class at IoU 0.5, less the more errors there are.

    So of two images without a hit, the one with more errors is the worse.
    """

    def measure(frame: FrameRecord) -> tuple[float, float] | None:
        truth = frame.results[index].truth
        one = truth.mask.get(class_id) if truth else None
        if one is None:
            return None
        counts = (one.scores > score_threshold) & ~one.is_ignored[0, 0]
        hits = int(np.count_nonzero(one.is_match[0, 0] & counts))
        errors = int(np.count_nonzero(counts)) + int(one.objects[0]) - 2 * hits
        return (2 * hits / (2 * hits + errors) - math.log1p(errors) if errors else 1.0), 1.0

    return measure


def _key(frame: FrameRecord) -> tuple[str, int]:
    return frame.topic, frame.index
