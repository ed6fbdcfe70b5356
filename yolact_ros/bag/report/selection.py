"""Which images a report shows: the worst ones and the most different ones, and few."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from yolact_ros.bag.evaluate.figures.metric_kinds import Floats, Metric
from yolact_ros.bag.evaluate.figures.metrics import QUALITY
from yolact_ros.bag.evaluate.figures.steadiness_metrics import STABILITY
from yolact_ros.bag.evaluate.records import FrameRecord, FrameResult
from yolact_ros.bag.io.bag import NS_PER_S
from yolact_ros.bag.report.image_series import Recording, ratios

OF_EACH_KIND = 6
OF_CLASSES = 12
FARTHEST_APART = 2 * NS_PER_S  # ns between two images of a kind, less in a short bag
DIFFERENT, WORST, UNSTEADY = 'most different', 'worst', 'least steady'


@dataclass(frozen=True)
class Pick:
    """An image that is worth looking at.

    Args:
        record: Record of the image.
        reasons: Why it is shown, in a few words each.
        is_about_time: Whether the image before belongs beside it.
    """

    record: FrameRecord
    reasons: tuple[str, ...]
    is_about_time: bool


def select_frames(
    recording: Recording, class_names: Sequence[str], score_threshold: float
) -> list[Pick]:
    """Pick the images that a report shows.

    Args:
        recording: Images and results.
        class_names: Classes that take part.
        score_threshold: Score above which an instance counts as found.

    Returns:
        First those in which contenders differ most, then the worst ones, or without truth the
        least steady ones, then the worst of each class that is not among them yet.
    """
    reasons: dict[tuple[str, int], list[str]] = {}
    for reason, goodness in _kinds(recording).items():
        for frame in _lowest(recording, goodness, OF_EACH_KIND):
            reasons.setdefault(frame.key, []).append(reason)
    most = len(reasons) + OF_CLASSES
    for class_id in recording.class_ids:
        for frame in _lowest(recording, _goodness_of(recording, class_id, score_threshold), 1):
            if frame.key in reasons or len(reasons) < most:
                worst = WORST if recording.has_truth else UNSTEADY
                reasons.setdefault(frame.key, []).append(f'{worst} of {class_names[class_id]}')
    records = {frame.key: frame for frame in recording.frames}
    is_steadiness = len(recording.contenders) == 1 and not recording.has_truth
    return [
        Pick(records[key], tuple(why), UNSTEADY in why or is_steadiness)
        for key, why in reasons.items()
    ]


def _kinds(recording: Recording) -> dict[str, Floats]:
    """Return how good each image is by each reason for which it may be shown, shape (F,)."""
    kinds = {}
    if len(recording.contenders) > 1:
        kinds[DIFFERENT] = np.array([min(frame.agreement) for frame in recording.frames])
    if recording.has_truth:
        kinds[WORST] = _least(recording, QUALITY)
    if len(recording.contenders) == 1:
        kinds[UNSTEADY] = _least(recording, STABILITY)
    return kinds


def _least(recording: Recording, metric: Metric, class_id: int | None = None) -> Floats:
    """Return the figure of the worst contender in each image; NaN where nothing tells it."""
    values = [ratios(recording.sums(metric, one, class_id)) for one in recording.contenders]
    return np.asarray(np.fmin.reduce(values))


def _goodness_of(recording: Recording, class_id: int, score_threshold: float) -> Floats:
    """Return how good results of one class are: how many are right, or how steady they are."""
    if not recording.has_truth:
        return _least(recording, STABILITY, class_id)
    return np.array(
        [
            np.fmin.reduce([_hits(one, class_id, score_threshold) for one in frame.results])
            for frame in recording.frames
        ]
    )


def _hits(result: FrameResult, class_id: int, score_threshold: float) -> float:
    """Return F1 of the masks of a class at IoU 0.5, less the more errors there are.

    So of two images without a hit, the one with more errors is the worse.
    """
    one = result.truth.mask.get(class_id) if result.truth else None
    if one is None:
        return math.nan
    counts = (one.scores > score_threshold) & ~one.is_ignored[0, 0]
    hits = int(np.count_nonzero(one.is_match[0, 0] & counts))
    errors = int(np.count_nonzero(counts)) + int(one.objects[0]) - 2 * hits
    return 2 * hits / (2 * hits + errors) - math.log1p(errors) if errors else 1.0


def _lowest(recording: Recording, goodness: Floats, most: int) -> list[FrameRecord]:
    """Return images of the least goodness under 1, but no two that almost show the same.

    Where they are alike, the earliest comes first.
    """
    ranked = [place for place in np.argsort(goodness, kind='stable') if goodness[place] < 1]
    length = recording.frames[-1].time - recording.frames[0].time
    apart = min(FARTHEST_APART, length // (2 * OF_EACH_KIND))
    chosen: list[FrameRecord] = []
    for frame in (recording.frames[place] for place in ranked):
        if all(one.topic != frame.topic or abs(one.time - frame.time) >= apart for one in chosen):
            chosen.append(frame)
        if len(chosen) == most:
            break
    return chosen
