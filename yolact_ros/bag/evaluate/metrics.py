"""All figures of a bag, from the records of its images."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.evaluation.precision import AveragePrecision, precision_of_matches
from yolact_core.timing import Timing
from yolact_ros.bag.evaluate.records import FrameRecord, FrameResult, Record, SkippedFrame

SECONDS_PER_MINUTE = 60.0
WARM_UP = 3  # images at the start whose times do not count
QUANTILES = {'median': 0.5, 'p95': 0.95, 'p99': 0.99}
STAGES = ('decode', *(field.name for field in dataclasses.fields(Timing)))


@dataclass(frozen=True)
class Stability:
    """How steady masks are; None where there is nothing to tell it from.

    Args:
        stability: Mean IoU with the image before, motion made up for; lost instances count 0.
        matched_iou: The same of those only that are found again.
        flicker_per_minute: Instances lost while in sight, per minute.
        lost_share: The same as a share of instances in sight.
        class_switches_per_minute: Instances that changed their class, per minute.
        class_switch_share: The same as a share of those found again.
        box_jitter_px: Mean jump of the sides of boxes in pixels, motion made up for.
        compared: Instances that were followed.
        seconds: That they were followed for.
    """

    stability: float | None
    matched_iou: float | None
    flicker_per_minute: float | None
    lost_share: float | None
    class_switches_per_minute: float | None
    class_switch_share: float | None
    box_jitter_px: float | None
    compared: int
    seconds: float


@dataclass(frozen=True)
class BagFigures:
    """Everything about one contender.

    Args:
        name: Of the contender.
        images: How many were looked at.
        skipped: How many could not be read.
        missing: How many a recording has no result of.
        objects: How many there are to find; None without truth.
        instances: How many were found.
        by_class: How many of each class, most first.
        box: Average precision; None without truth.
        mask: Average precision; None without truth.
        quality: Mean panoptic quality; None without truth.
        track_interruptions_per_minute: How often an object of the truth that was found is not
            found in the next image, per minute; None without tracks.
        stability: Of all classes.
        stability_by_class: Of those that were found.
        latency: Seconds by stage: mean, median, 95th and 99th percentile. These alone differ from
            run to run.
    """

    name: str
    images: int
    skipped: int
    missing: int
    objects: int | None
    instances: int
    by_class: dict[str, int]
    box: AveragePrecision | None
    mask: AveragePrecision | None
    quality: float | None
    track_interruptions_per_minute: float | None
    stability: Stability
    stability_by_class: dict[str, Stability]
    latency: dict[str, dict[str, float]]

    def figures(self) -> dict[str, float | None]:
        """Return the figures that limits and comparisons go by; precisions as fractions."""
        precisions = {}
        for kind, part in (('box', self.box), ('mask', self.mask)):
            for name in ('ap', 'ap50', 'ap75', 'small', 'medium', 'large'):
                value = getattr(part, name) if part else None
                precisions[f'{kind}_{name}'] = None if value is None else value / 100
        steady = dataclasses.asdict(self.stability)
        del steady['compared'], steady['seconds']
        return {
            **precisions,
            'quality': self.quality,
            **steady,
            'track_interruptions_per_minute': self.track_interruptions_per_minute,
        }

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**dataclasses.asdict(self), 'figures': self.figures()}


def summarize(
    records: Sequence[Record],
    names: Sequence[str],
    class_names: Sequence[str],
    index: int = 0,
) -> BagFigures:
    """Compute the figures of one contender.

    Args:
        records: Of all images, as ``merge`` gives them.
        names: Of the contenders.
        class_names: That take part.
        index: Which contender.
    """
    frames = [record for record in records if isinstance(record, FrameRecord)]
    results = [frame.results[index] for frame in frames]
    matches = [result.truth for result in results if result.truth is not None]
    found = Counter(
        class_names[class_id] for result in results for class_id in result.class_ids.tolist()
    )
    has_truth = bool(matches)
    return BagFigures(
        name=names[index],
        images=len(frames),
        skipped=sum(isinstance(record, SkippedFrame) for record in records),
        missing=sum(result.is_missing for result in results),
        objects=sum(frame.objects or 0 for frame in frames) if has_truth else None,
        instances=sum(found.values()),
        by_class=dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))),
        box=precision_of_matches([match.box for match in matches], class_names, 'bbox')
        if has_truth
        else None,
        mask=precision_of_matches([match.mask for match in matches], class_names, 'segm')
        if has_truth
        else None,
        quality=float(np.mean([match.quality for match in matches])) if has_truth else None,
        track_interruptions_per_minute=count_interruptions(frames, index),
        stability=measure_stability(results),
        stability_by_class={
            class_names[class_id]: measure_stability(results, class_id)
            for class_id in sorted({one for r in results for one in r.class_ids.tolist()})
        },
        latency=measure_latency(results),
    )


def measure_stability(results: Iterable[FrameResult], class_id: int | None = None) -> Stability:
    """Sum up how steady masks are.

    Args:
        results: Of one contender.
        class_id: Instances of this class in the first of two images only; None is all.
    """
    steadiness = [result.steadiness for result in results if result.steadiness is not None]
    overlaps, jitters, switches, lost, seconds = [np.zeros(0)], [np.zeros(0)], 0, 0, 0.0
    for one in steadiness:
        wanted = _is_of(one.classes_before, class_id)
        overlaps.append(one.overlaps[wanted])
        jitters.append(one.jitters[wanted])
        switches += int((one.classes_before != one.classes_after)[wanted].sum())
        lost += int(_is_of(one.lost_classes, class_id).sum())
        seconds += one.seconds
    overlap, jitter = np.concatenate(overlaps), np.concatenate(jitters)
    jitter = jitter[~np.isnan(jitter)]
    followed, minutes = len(overlap) + lost, seconds / SECONDS_PER_MINUTE
    return Stability(
        stability=_divide(float(overlap.sum()), followed),
        matched_iou=_divide(float(overlap.sum()), len(overlap)),
        flicker_per_minute=_divide(lost, minutes),
        lost_share=_divide(lost, followed),
        class_switches_per_minute=_divide(switches, minutes),
        class_switch_share=_divide(switches, len(overlap)),
        box_jitter_px=_divide(float(jitter.sum()), len(jitter)),
        compared=followed,
        seconds=seconds,
    )


def count_interruptions(frames: Sequence[FrameRecord], index: int) -> float | None:
    """Return how often a track that was found is not found in the next image, per minute.

    Args:
        frames: Topic by topic, in the order of recording.
        index: Which contender.
    """
    interruptions, seconds, has_tracks = 0, 0.0, False
    before: dict[str, bool] = {}
    for frame in frames:
        result = frame.results[index]
        if result.truth is None:
            before = {}
            continue
        now = dict(zip(result.truth.tracks, result.truth.is_found, strict=True))
        has_tracks = has_tracks or bool(now)
        if result.steadiness is not None:
            seconds += result.steadiness.seconds
            interruptions += sum(before.get(track, False) and not now[track] for track in now)
        before = now
    return interruptions / (seconds / SECONDS_PER_MINUTE) if has_tracks and seconds else None


def measure_latency(results: Sequence[FrameResult]) -> dict[str, dict[str, float]]:
    """Return seconds by stage; nothing where results were recorded."""
    timed = [result for result in results if result.timing is not None]
    counted = timed[WARM_UP:] or timed
    if not counted:
        return {}
    seconds: npt.NDArray[np.float64] = np.array(
        [
            (result.decode, *dataclasses.astuple(result.timing))  # type: ignore[arg-type]
            for result in counted
        ]
    )
    table = np.concatenate([seconds, seconds.sum(axis=1, keepdims=True)], axis=1)
    return {
        stage: {
            'mean': float(column.mean()),
            **{name: float(np.quantile(column, share)) for name, share in QUANTILES.items()},
        }
        for stage, column in zip((*STAGES, 'total'), table.T, strict=True)
    }


def _is_of(class_ids: npt.NDArray[np.int64], class_id: int | None) -> npt.NDArray[np.bool_]:
    return np.ones(len(class_ids), np.bool_) if class_id is None else class_ids == class_id


def _divide(amount: float, count: float) -> float | None:
    return amount / count if count else None
