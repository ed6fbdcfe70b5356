"""What is recorded about each image of a bag: numbers, no masks. Every figure is made of these.

A record depends on its own image and, for steadiness, on the one before. So spans of a bag can be
evaluated anywhere and in any order; ``merge`` puts their records together, and the figures are
the same to the last digit as if one process had done it all.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.evaluation.matches import ImageMatches
from yolact_core.evaluation.tracks import TrackedImage
from yolact_core.timing import Timing
from yolact_ros.bag.evaluate.stability import Steadiness


@dataclass(frozen=True)
class TruthMatch:
    """Detections of an image compared with its truth.

    Args:
        box: Matches of boxes for AP; of all detections, whatever their score.
        mask: Matches of masks for AP, likewise.
        quality: Panoptic quality of the detections above the threshold, in [0, 1]; 1 where there
            is nothing to find and nothing was found.
        tracks: Track id of each object that has one.
        is_found: Whether each of these objects was found, in the order of ``tracks``.
        identities: Objects that have a track id beside the tracks that were found; None if
            instances are not followed.
    """

    box: ImageMatches
    mask: ImageMatches
    quality: float
    tracks: tuple[str, ...]
    is_found: tuple[bool, ...]
    identities: TrackedImage | None = None


@dataclass(frozen=True)
class FrameResult:
    """What one candidate found in one image.

    Args:
        class_ids: Class of each detection above the threshold, best score first, shape (N,).
        scores: Score of each, shape (N,).
        areas: Pixels of the mask of each, shape (N,).
        is_missing: Whether a recording has no result for this image; counts as nothing found.
        truth: Comparison with the truth, where the image has one.
        steadiness: Comparison with the image before, if there is one that can be compared.
        decode: Seconds from message to image.
        timing: Seconds that each stage of the detector took; None for recorded results.
        tracked_steadiness: Steadiness of the instances that have a track; None if they
            are not followed.
    """

    class_ids: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    areas: npt.NDArray[np.int64]
    is_missing: bool
    truth: TruthMatch | None
    steadiness: Steadiness | None
    decode: float
    timing: Timing | None
    tracked_steadiness: Steadiness | None = None

    def of_class(self, class_id: int) -> FrameResult:
        """Return what concerns the instances of one class, without the truth."""
        is_kept = self.class_ids == class_id
        return replace(
            self,
            class_ids=self.class_ids[is_kept],
            scores=self.scores[is_kept],
            areas=self.areas[is_kept],
            truth=None,
            steadiness=self.steadiness and self.steadiness.of_class(class_id),
            tracked_steadiness=None,
        )


@dataclass(frozen=True)
class FrameRecord:
    """One image that was evaluated.

    Args:
        topic: Topic of the image.
        index: Number of the image among those of its topic, from 0.
        time: Time of recording, ns since 1970.
        place: Number of the image among those of its topic that were recorded at that very time.
        stamp: Stamp of its header, ns.
        size: Height and width in pixels.
        objects: Number of objects to find; None where there is no truth.
        results: Result of each candidate.
        agreement: Panoptic quality of each candidate's result, with the first one's as truth.
        bag: Number of its bag among those whose records are put together.
    """

    topic: str
    index: int
    time: int
    place: int
    stamp: int
    size: tuple[int, int]
    objects: int | None
    results: tuple[FrameResult, ...]
    agreement: tuple[float, ...]
    bag: int = 0

    @property
    def key(self) -> tuple[str, int]:
        """Topic and number, which no other image of a bag has."""
        return self.topic, self.index


@dataclass(frozen=True)
class SkippedFrame:
    """An image that cannot be read, or be told from others.

    Args:
        topic: Topic of the image.
        index: Number of the image among those of its topic, from 0.
        time: Time of recording, ns since 1970.
        reason: What is wrong with it, in one sentence.
    """

    topic: str
    index: int
    time: int
    reason: str


Record = FrameRecord | SkippedFrame


def merge(parts: Iterable[Sequence[Record]]) -> list[Record]:
    """Put records of spans together, in whatever order they come.

    Returns:
        Topic by topic, in the order of recording.

    Raises:
        InputError: Two spans have the same image.
    """
    merged = sorted(
        (record for part in parts for record in part), key=lambda one: (one.topic, one.index)
    )
    for one, other in itertools.pairwise(merged):
        if (one.topic, one.index) == (other.topic, other.index):
            raise InputError(
                f'spans must not overlap, but image {one.index} of {one.topic} is in two of them'
            )
    return merged


def merge_bags(
    bags: Sequence[tuple[Sequence[Record], tuple[str, ...]]],
) -> tuple[list[Record], tuple[str, ...]]:
    """Put records of bags together, bag after bag.

    The classes are those of all bags together, since truth without a list of classes has only
    those that occur in it. A class that was left out in a bag, because its truth does not know it,
    stays left out there.

    Args:
        bags: Records of each bag, with the names of its classes.

    Returns:
        Records of all bags, and the names of the classes in the order of their first occurrence.
    """
    class_names = tuple(dict.fromkeys(name for _, names in bags for name in names))
    merged: list[Record] = []
    for bag, (records, names) in enumerate(bags):
        numbers = np.array([class_names.index(name) for name in names], dtype=np.int64)
        merged.extend(_renumber(record, numbers, bag) for record in records)
    return merged, class_names


def _renumber(record: Record, numbers: npt.NDArray[np.int64], bag: int) -> Record:
    if not isinstance(record, FrameRecord):
        return record
    results = tuple(_result(one, numbers) for one in record.results)
    return replace(record, results=results, bag=bag)


def _result(result: FrameResult, numbers: npt.NDArray[np.int64]) -> FrameResult:
    truth = result.truth
    return replace(
        result,
        class_ids=numbers[result.class_ids],
        truth=truth
        and replace(truth, box=_matches(truth.box, numbers), mask=_matches(truth.mask, numbers)),
        steadiness=result.steadiness and _steadiness(result.steadiness, numbers),
        tracked_steadiness=result.tracked_steadiness
        and _steadiness(result.tracked_steadiness, numbers),
    )


def _steadiness(steadiness: Steadiness, numbers: npt.NDArray[np.int64]) -> Steadiness:
    return replace(
        steadiness,
        classes_before=numbers[steadiness.classes_before],
        classes_after=numbers[steadiness.classes_after],
        lost_classes=numbers[steadiness.lost_classes],
    )


def _matches(matches: ImageMatches, numbers: npt.NDArray[np.int64]) -> ImageMatches:
    return {int(numbers[class_id]): one for class_id, one in matches.items()}
