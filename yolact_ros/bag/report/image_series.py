"""The images of a bag in the order of recording, and numbers of each as charts need them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_ros.bag.evaluate.figures.metric_kinds import Floats, Metric
from yolact_ros.bag.evaluate.figures.summary import WARM_UP
from yolact_ros.bag.evaluate.records import FrameRecord, FrameResult
from yolact_ros.bag.io.bag import NS_PER_S

MOST_POINTS = 240  # of a curve, however long the bag is


@dataclass(frozen=True)
class Course:
    """A figure over time; successive images are put together where there are many.

    Args:
        times: Seconds since the first image, shape (P,).
        means: Mean of the images put together, shape (P,); NaN where nothing tells it.
        lows: Least of the images put together, shape (P,).
        highs: Greatest of the images put together, shape (P,).
    """

    times: Floats
    means: Floats
    lows: Floats
    highs: Floats


class Recording:
    """Images that could be read, with the results of each contender.

    Sums of images have shape (F, 2): what an image adds to a figure, and to its divisor.

    Args:
        frames: Records of at least one image, topic by topic.
    """

    def __init__(self, frames: Sequence[FrameRecord]) -> None:
        self._by_topic = frames
        self._order = sorted(
            range(len(frames)),
            key=lambda one: (frames[one].time, frames[one].topic, frames[one].index),
        )
        self.frames = [frames[one] for one in self._order]
        self.contenders = range(len(frames[0].results))
        times = np.array([frame.time for frame in self.frames], dtype=np.int64)
        self.seconds: Floats = np.asarray((times - times[0]) / NS_PER_S)
        self.has_truth = any(result.truth for frame in frames for result in frame.results)
        self.class_ids = self._list_classes()
        self._of_class: dict[tuple[int, int | None], list[FrameResult]] = {}

    def results(self, contender: int, class_id: int | None = None) -> list[FrameResult]:
        """Return results of one contender, topic by topic, of one class or (None) of all."""
        key = contender, class_id
        if key not in self._of_class:
            results = [frame.results[contender] for frame in self._by_topic]
            self._of_class[key] = (
                results if class_id is None else [one.of_class(class_id) for one in results]
            )
        return self._of_class[key]

    def sums(self, metric: Metric, contender: int, class_id: int | None = None) -> Floats:
        """Return the sums of a metric of one contender, of one class or (None) of all."""
        return metric.sums(self.results(contender, class_id))[self._order]

    def agreement(self, contender: int) -> Floats:
        """Return the sums of a contender's panoptic quality against the first one."""
        return _whole([frame.agreement[contender] for frame in self.frames])

    def instances(self, contender: int, class_id: int | None = None) -> Floats:
        """Return the sums of how many instances a contender found."""
        found = (len(one.class_ids) for one in self.results(contender, class_id))
        return _whole(list(found))[self._order]

    def objects(self, class_id: int | None = None) -> Floats:
        """Return the sums of how many objects there are to find; 0 of 0 without truth."""
        sums = []
        for frame in self.frames:
            truth = frame.results[0].truth
            matches = truth.mask if truth else {}
            wanted = (one for key, one in matches.items() if class_id in (None, key))
            sums.append((sum(int(one.objects[0]) for one in wanted), float(truth is not None)))
        return np.array(sums, dtype=np.float64)

    def latency(self, contender: int) -> Floats:
        """Return the sums of milliseconds from message to detections; 0 of 0 if unknown."""
        timed = [
            (1000 * (one.decode + one.timing.total), 1.0) if one.timing else (0.0, 0.0)
            for one in (frame.results[contender] for frame in self.frames)
        ]
        return np.array(timed, dtype=np.float64)

    def latencies(self, contender: int) -> Floats:
        """Return milliseconds of each image but the first few, as the figures count them."""
        values = ratios(self.latency(contender))
        known = values[~np.isnan(values)]
        return known[WARM_UP:] if len(known) > WARM_UP else known

    def gather(
        self,
        pick: Callable[[FrameResult], npt.NDArray[np.generic]],
        contender: int,
        class_id: int | None = None,
    ) -> Floats:
        """Return a number of each instance that a contender found."""
        picked = [pick(one) for one in self.results(contender, class_id)]
        return np.concatenate(picked).astype(np.float64)

    def follow(self, sums: Floats) -> Course:
        """Return how a figure changes over time."""
        size = -(-len(self.frames) // MOST_POINTS)
        starts = np.arange(0, len(self.frames), size)
        lengths = np.diff(np.append(starts, len(self.frames)))
        single = ratios(sums)
        return Course(
            times=np.asarray(np.add.reduceat(self.seconds, starts) / lengths),
            means=ratios(np.add.reduceat(sums, starts, axis=0)),
            lows=np.fmin.reduceat(single, starts),
            highs=np.fmax.reduceat(single, starts),
        )

    def _list_classes(self) -> list[int]:
        """Return ids of the classes that were found or are there."""
        found = {
            one for frame in self.frames for r in frame.results for one in r.class_ids.tolist()
        }
        there = {
            class_id
            for frame in self.frames
            if (truth := frame.results[0].truth)
            for class_id, one in truth.mask.items()
            if one.objects[0]
        }
        return sorted(found | there)


def ratios(sums: Floats) -> Floats:
    """Return the figure of each image from its sums, shape (F,); NaN where nothing tells it."""
    values = np.full(len(sums), np.nan)
    np.divide(sums[:, 0], sums[:, 1], out=values, where=sums[:, 1] > 0)
    return values


def _whole(values: Sequence[float]) -> Floats:
    return np.stack([np.array(values, dtype=np.float64), np.ones(len(values))], axis=1)
