"""Settings of a tracker."""

from __future__ import annotations

from dataclasses import dataclass

from yolact_core.errors import InputError


@dataclass(frozen=True)
class TrackingOptions:
    """How instances are followed from image to image.

    Args:
        begin_score: Score from which on a detection begins a track, in [0, 1]. Weaker ones only
            continue tracks that no confident one continues.
        min_iou: Mean IoU in (0, 1] that box and mask must have with those of a track, moved along,
            to be the same object; 1.4 times as much if the class is another.
        max_lost: Seconds for which a track that is not seen is looked for.
        camera_motion: Whether the shift of the whole image is made up for, where images are given.

    Raises:
        InputError: A value is out of its range.
    """

    begin_score: float = 0.4
    min_iou: float = 0.2
    max_lost: float = 2.0
    camera_motion: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.begin_score <= 1:
            raise InputError(f'begin_score must be in [0, 1], got {self.begin_score}')
        if not 0 < self.min_iou <= 1:
            raise InputError(f'min_iou must be in (0, 1], got {self.min_iou}')
        if not self.max_lost >= 0:
            raise InputError(f'max_lost must be 0 seconds or more, got {self.max_lost}')
