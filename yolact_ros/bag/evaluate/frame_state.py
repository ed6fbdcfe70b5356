"""What is kept of an image until the next one is compared with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from yolact_core.detections import Detections
from yolact_ros.bag.evaluate.following import TrackedDetections
from yolact_ros.bag.evaluate.motion import Grey, Motion, estimate_motion
from yolact_ros.bag.evaluate.stability import Steadiness, compare_frames, nothing_to_compare
from yolact_ros.bag.io.bag import NS_PER_S

LONGEST_GAP = 1 * NS_PER_S  # ns between two images that are compared
SMALLEST_SIDE = 16  # pixels that optical flow needs


@dataclass(frozen=True)
class FrameState:
    """An image and its detections.

    Args:
        time: Time of recording, ns.
        grey: Brightness of each pixel, shape (H, W).
        found: Detections of each candidate that count as found.
        tracked: Those that have a track, of each candidate; None where they are not followed.
        is_missing: Whether there is no result of each candidate.
    """

    time: int
    grey: Grey
    found: tuple[Detections, ...]
    tracked: tuple[TrackedDetections | None, ...]
    is_missing: tuple[bool, ...]


Steady = Steadiness | None  # None where two images cannot be compared


def compare_states(before: FrameState | None, after: FrameState) -> list[tuple[Steady, Steady]]:
    """Return how steady is what each candidate found, and that of it which has a track."""
    if before is None or not _is_comparable(before, after):
        return [(None, None)] * len(after.found)
    seconds = (after.time - before.time) / NS_PER_S

    @cache
    def find_motion() -> Motion:
        return estimate_motion(before.grey, after.grey)

    def compare(first: Detections, second: Detections) -> Steadiness:
        if len(first) == 0:
            return nothing_to_compare(seconds)
        return compare_frames(first, second, find_motion(), seconds)

    compared: list[tuple[Steady, Steady]] = []
    for index, found in enumerate(zip(before.found, after.found, strict=True)):
        first, second = before.tracked[index], after.tracked[index]
        if before.is_missing[index] or after.is_missing[index]:
            compared.append((None, None))
        elif first is None or second is None:
            compared.append((compare(*found), None))
        else:
            compared.append((compare(*found), compare(first.detections, second.detections)))
    return compared


def _is_comparable(before: FrameState, after: FrameState) -> bool:
    return (
        before.grey.shape == after.grey.shape
        and 0 < after.time - before.time <= LONGEST_GAP
        and min(after.grey.shape) >= SMALLEST_SIDE
    )
