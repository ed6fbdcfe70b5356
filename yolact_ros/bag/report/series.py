"""Numbers that charts are made of, from the records of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_ros.bag.evaluate.figures import WARM_UP
from yolact_ros.bag.evaluate.records import FrameRecord, FrameResult
from yolact_ros.bag.io.bag import NS_PER_S

MOST_POINTS = 240  # of a curve, however long the bag is

Floats = npt.NDArray[np.float64]
Measure = Callable[[FrameRecord], tuple[float, float] | None]  # sum and count of an image


@dataclass(frozen=True)
class Course:
    """How a figure changes over time; successive images are put together where there are many.

    Args:
        times: Seconds, shape (P,).
        means: Shape (P,); NaN where there is nothing to tell it from.
        lows: Least of the images put together, shape (P,).
        highs: Greatest, shape (P,).
    """

    times: Floats
    means: Floats
    lows: Floats
    highs: Floats


def in_time(frames: Sequence[FrameRecord]) -> list[FrameRecord]:
    """Return images of all topics in the order of recording."""
    return sorted(frames, key=lambda frame: (frame.time, frame.topic, frame.index))


def seconds_of(frames: Sequence[FrameRecord]) -> Floats:
    """Return seconds since the first image, shape (F,).

    Args:
        frames: In the order of recording, at least one.
    """
    times = np.array([frame.time for frame in frames], dtype=np.int64)
    return np.asarray((times - times[0]) / NS_PER_S)


def follow(frames: Sequence[FrameRecord], measure: Measure) -> Course:
    """Return how a figure that is a mean changes over time.

    Args:
        frames: In the order of recording, at least one.
        measure: Sum and count of an image.
    """
    measured = np.array([measure(frame) or (0.0, 0.0) for frame in frames], dtype=np.float64)
    counts = measured[:, 1]
    single = np.full(len(frames), np.nan)
    np.divide(measured[:, 0], counts, out=single, where=counts > 0)
    size = -(-len(frames) // MOST_POINTS)
    starts = np.arange(0, len(frames), size)
    sums, totals = np.add.reduceat(measured, starts, axis=0).T
    means = np.full(len(starts), np.nan)
    np.divide(sums, totals, out=means, where=totals > 0)
    return Course(
        times=np.asarray(
            np.add.reduceat(seconds_of(frames), starts) / np.diff(np.append(starts, len(frames)))
        ),
        means=means,
        lows=np.fmin.reduceat(single, starts),
        highs=np.fmax.reduceat(single, starts),
    )


def nothing_at(frames: Sequence[FrameRecord]) -> Course:
    """Return the course of a figure that can never be told."""
    return follow(frames, lambda _: None)


def stability(index: int, class_id: int | None = None) -> Measure:
    """Measure IoU with the image before.

    Args:
        index: Of the contender.
        class_id: Instances of this class before only; None is all.
    """

    def measure(frame: FrameRecord) -> tuple[float, float] | None:
        one = frame.results[index].steadiness
        if one is None:
            return None
        if class_id is None:
            return float(one.overlaps.sum()), float(len(one.overlaps) + len(one.lost_classes))
        is_wanted = one.classes_before == class_id
        lost = np.count_nonzero(one.lost_classes == class_id)
        return float(one.overlaps[is_wanted].sum()), float(np.count_nonzero(is_wanted) + lost)

    return measure


def quality(index: int) -> Measure:
    """Measure panoptic quality."""

    def measure(frame: FrameRecord) -> tuple[float, float] | None:
        truth = frame.results[index].truth
        return None if truth is None else (truth.quality, 1.0)

    return measure


def agreement(index: int) -> Measure:
    """Measure panoptic quality against the first contender."""
    return lambda frame: (frame.agreement[index], 1.0)


def instances(index: int, class_id: int | None = None) -> Measure:
    """Count what was found."""

    def measure(frame: FrameRecord) -> tuple[float, float]:
        found = frame.results[index].class_ids
        return float(len(found) if class_id is None else np.count_nonzero(found == class_id)), 1.0

    return measure


def objects(class_id: int | None = None) -> Measure:
    """Count what there is to find."""

    def measure(frame: FrameRecord) -> tuple[float, float] | None:
        truth = frame.results[0].truth
        if truth is None:
            return None
        wanted = truth.mask.values() if class_id is None else [truth.mask.get(class_id)]
        return float(sum(int(one.objects[0]) for one in wanted if one is not None)), 1.0

    return measure


def latency_ms(index: int) -> Measure:
    """Measure milliseconds from message to detections."""

    def measure(frame: FrameRecord) -> tuple[float, float] | None:
        result = frame.results[index]
        if result.timing is None:
            return None
        return 1000 * (result.decode + result.timing.total), 1.0

    return measure


def mean_of(measure: Measure, frame: FrameRecord) -> float | None:
    """Return the value of one image, or None where there is nothing to tell it from."""
    measured = measure(frame)
    return measured[0] / measured[1] if measured and measured[1] else None


def all_latencies_ms(frames: Sequence[FrameRecord], index: int) -> Floats:
    """Return milliseconds of each image but the first few, as the figures count them."""
    measure = latency_ms(index)
    values = [one[0] for frame in frames if (one := measure(frame))]
    return np.array(values[WARM_UP:] or values, dtype=np.float64)


def all_scores(frames: Sequence[FrameRecord], index: int, class_id: int | None = None) -> Floats:
    """Return the score of each instance that a contender found."""
    return _gather(frames, index, class_id, lambda result: result.scores)


def all_sizes(frames: Sequence[FrameRecord], index: int, class_id: int | None = None) -> Floats:
    """Return the side of a square as large as the mask, in pixels, of each instance found."""
    return np.sqrt(_gather(frames, index, class_id, lambda result: result.areas))


def list_classes(frames: Sequence[FrameRecord]) -> list[int]:
    """Return ids of the classes that were found or are there."""
    found = {one for frame in frames for r in frame.results for one in r.class_ids.tolist()}
    there = {
        class_id
        for frame in frames
        if (truth := frame.results[0].truth)
        for class_id, one in truth.mask.items()
        if one.objects[0]
    }
    return sorted(found | there)


def _gather(
    frames: Sequence[FrameRecord],
    index: int,
    class_id: int | None,
    pick: Callable[[FrameResult], npt.NDArray[Any]],
) -> Floats:
    parts: list[npt.NDArray[Any]] = [np.zeros(0)]
    for frame in frames:
        result = frame.results[index]
        values = pick(result)
        parts.append(values if class_id is None else values[result.class_ids == class_id])
    return np.concatenate(parts).astype(np.float64)
