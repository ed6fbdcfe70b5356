"""What is kept of each image of a bag: numbers, no masks. Every figure is made of these.

A record depends on its own image and, for steadiness, on the one before. So spans of a bag can be
worked on anywhere, in any order; ``merge`` puts their records together, and the figures are the
same to the last digit as if one process had done all.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.evaluation.matches import ImageMatches
from yolact_core.timing import Timing
from yolact_ros.bag.evaluate.stability import Steadiness


@dataclass(frozen=True)
class TruthMatch:
    """What was found in an image against what there is.

    Args:
        box: For AP of boxes; all detections, whatever their score.
        mask: For AP of masks.
        quality: Panoptic quality of what counts as found, see the docs; 1 where both are empty.
        tracks: Id of each object that has one.
        is_found: Whether each of these was found, in the order of ``tracks``.
    """

    box: ImageMatches
    mask: ImageMatches
    quality: float
    tracks: tuple[str, ...]
    is_found: tuple[bool, ...]


@dataclass(frozen=True)
class FrameResult:
    """What one contender found in one image.

    Args:
        class_ids: Of what counts as found, best score first, shape (N,).
        scores: Shape (N,).
        areas: Pixels of each mask, shape (N,).
        is_missing: Whether a recording has no result of this image; it counts as nothing found.
        truth: Against the truth, if that is known.
        steadiness: Against the image before, if there is one that can be compared.
        decode: Seconds from message to image.
        timing: Seconds of the detector; None for recorded results.
    """

    class_ids: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    areas: npt.NDArray[np.int64]
    is_missing: bool
    truth: TruthMatch | None
    steadiness: Steadiness | None
    decode: float
    timing: Timing | None


@dataclass(frozen=True)
class FrameRecord:
    """One image.

    Args:
        topic: Where it was published.
        index: Its number among the images of its topic.
        time: When it was recorded, ns since 1970.
        stamp: Of its header, ns.
        size: Height and width in pixels.
        objects: How many there are to find; None where that is not known.
        results: Of each contender.
        agreement: Panoptic quality of each contender's result against the first one's.
    """

    topic: str
    index: int
    time: int
    stamp: int
    size: tuple[int, int]
    objects: int | None
    results: tuple[FrameResult, ...]
    agreement: tuple[float, ...]


@dataclass(frozen=True)
class SkippedFrame:
    """An image that cannot be read.

    Args:
        topic: Where it was published.
        index: Its number among the images of its topic.
        time: When it was recorded, ns since 1970.
        reason: In one sentence.
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
        InputError: Two spans had the same image.
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
