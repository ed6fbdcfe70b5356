"""All figures of a bag, from the records of its images."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from yolact_core.evaluation.precision import AveragePrecision, precision_of_matches
from yolact_core.evaluation.tracks import TrackedImage, TrackFigures, measure_tracks
from yolact_core.timing import Timing
from yolact_ros.bag.evaluate.figures.metric_kinds import Evaluated, Place
from yolact_ros.bag.evaluate.figures.metrics import all_rows, rows, rows_by_class
from yolact_ros.bag.evaluate.records import FrameRecord, FrameResult, Record, SkippedFrame

WARM_UP = 3  # images at the start whose times do not count
QUANTILES = {'median': 0.5, 'p95': 0.95, 'p99': 0.99}
STAGES = ('decode', *(field.name for field in dataclasses.fields(Timing)))
KINDS: dict[str, Literal['bbox', 'segm']] = {'box': 'bbox', 'mask': 'segm'}


@dataclass(frozen=True)
class Stability:
    """How steady masks are.

    Args:
        values: Figures of ``rows_by_class`` by name, which are attributes, too; None where nothing
            tells them.
        compared: Number of instances that were followed.
        seconds: Time that they were followed for.
    """

    values: Mapping[str, float | None]
    compared: int
    seconds: float

    def __getattr__(self, name: str) -> float | None:
        """Return a figure by its name."""
        if name == 'values' or name not in self.values:
            raise AttributeError(name)
        return self.values[name]

    def to_mapping(self) -> dict[str, float | None]:
        """Return plain values, for JSON."""
        return {**self.values, 'compared': self.compared, 'seconds': self.seconds}


@dataclass(frozen=True)
class BagFigures:
    """All figures of one contender.

    Args:
        name: Name of the contender.
        images: Number of images that were looked at.
        skipped: Number of images that could not be read.
        missing: Number of images of which a recording has no result.
        without_truth: Number of images that the truth does not know; None without truth.
        objects: Number of objects in the truth; None without truth.
        instances: Number of instances that were found.
        by_class: Number of instances of each class, most first.
        box: Average precision of boxes; None without truth.
        mask: Average precision of masks; None without truth.
        values: Value of each row of ``METRICS``, by name; None where nothing tells it.
        stability: Steadiness of the instances of all classes.
        stability_by_class: Steadiness of each class that was found.
        latency: Seconds by stage: mean, median, 95th and 99th percentile. These alone differ from
            run to run.
    """

    name: str
    images: int
    skipped: int
    missing: int
    without_truth: int | None
    objects: int | None
    instances: int
    by_class: dict[str, int]
    box: AveragePrecision | None
    mask: AveragePrecision | None
    values: dict[str, float | None]
    stability: Stability
    stability_by_class: dict[str, Stability]
    latency: dict[str, dict[str, float]]

    def figures(self) -> dict[str, float | None]:
        """Return the figures that limits can be set on; precisions as fractions."""
        return {row.name: self.values[row.name] for row in rows(Place.FIGURES)}

    def of_class(self, name: str) -> tuple[int, list[float | None], list[float | None]]:
        """Return how many instances of a class were found, and how well and how steadily.

        Returns:
            Their number; AP of boxes and of masks, as fractions; stability, and flicker per
            minute. None where nothing tells it.
        """
        percents = [kind.by_class[name] if kind else None for kind in (self.box, self.mask)]
        steady = self.stability_by_class.get(name)
        return (
            self.by_class.get(name, 0),
            [None if one is None else one / 100 for one in percents],
            [steady.stability, steady.flicker_per_minute] if steady else [None, None],
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        plain = dataclasses.asdict(self)
        last = ('values', 'stability', 'stability_by_class', 'latency')
        values, _, _, latency = (plain.pop(name) for name in last)
        return {
            **plain,
            **{name: values[name] for name in ('quality', 'track_interruptions_per_minute')},
            'stability': self.stability.to_mapping(),
            'stability_by_class': {
                name: one.to_mapping() for name, one in self.stability_by_class.items()
            },
            'latency': latency,
            'figures': self.figures(),
        }


def summarize(
    records: Sequence[Record],
    names: Sequence[str],
    class_names: Sequence[str],
    index: int = 0,
) -> BagFigures:
    """Compute the figures of one contender.

    Args:
        records: Records of all images, as ``merge`` gives them.
        names: Names of the contenders.
        class_names: Classes that take part.
        index: Number of the contender.
    """
    frames = [record for record in records if isinstance(record, FrameRecord)]
    results = [frame.results[index] for frame in frames]
    matches = [result.truth for result in results if result.truth is not None]
    found = Counter(
        class_names[class_id] for result in results for class_id in result.class_ids.tolist()
    )
    precision = {
        kind: precision_of_matches([getattr(one, kind) for one in matches], class_names, name)
        for kind, name in KINDS.items()
        if matches
    }
    latency = measure_latency(results)
    evaluated = Evaluated(results, precision, latency, measure_identities(frames, index))
    return BagFigures(
        name=names[index],
        images=len(frames),
        skipped=sum(isinstance(record, SkippedFrame) for record in records),
        missing=sum(result.is_missing for result in results),
        without_truth=len(frames) - len(matches) if matches else None,
        objects=sum(frame.objects or 0 for frame in frames) if matches else None,
        instances=sum(found.values()),
        by_class=dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))),
        box=precision.get('box'),
        mask=precision.get('mask'),
        values={row.name: row.value(evaluated) for row in all_rows()},
        stability=measure_stability(results),
        stability_by_class={
            class_names[class_id]: measure_stability(results, class_id)
            for class_id in sorted({one for r in results for one in r.class_ids.tolist()})
        },
        latency=latency,
    )


def measure_stability(results: Iterable[FrameResult], class_id: int | None = None) -> Stability:
    """Sum up how steady masks are.

    Args:
        results: Results of one contender.
        class_id: Class of the instances, in the first of two images; None is all.
    """
    chosen = [one if class_id is None else one.of_class(class_id) for one in results]
    steady = [result.steadiness for result in chosen if result.steadiness is not None]
    return Stability(
        values={row.name: row.mean(chosen) for row in rows_by_class()},
        compared=sum(len(one.overlaps) + len(one.lost_classes) for one in steady),
        seconds=sum((one.seconds for one in steady), 0.0),
    )


def measure_identities(frames: Sequence[FrameRecord], index: int) -> TrackFigures | None:
    """Measure tracks against truth that has ids, which mean nothing beyond a topic of a bag.

    Args:
        frames: Records of all images.
        index: Number of the contender.
    """
    sequences: dict[tuple[int, str], list[TrackedImage]] = defaultdict(list)
    for frame in frames:
        truth = frame.results[index].truth
        if truth is not None and truth.identities is not None:
            sequences[frame.bag, frame.topic].append(truth.identities)
    if not any(image.truth for images in sequences.values() for image in images):
        return None
    return measure_tracks(list(sequences.values()))


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
