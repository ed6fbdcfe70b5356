"""How a recording is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yolact_ros.player.calibration import Calibration


@dataclass(frozen=True)
class Settings:
    """How a recording is published.

    Args:
        speed: 2.0 plays twice as fast as recorded.
        is_looping: Whether to begin again at the end.
        duration: Seconds of the recording to publish, over all rounds; None: no limit.
        transport: Of images, or None for that of the recording.
        as_camera: Publish the one topic of images as ``image``, whatever it was.
        stamps: Of all messages: those recorded, or the time of publishing.
        frame_id: Of images and camera infos, or None for that of the recording.
        is_reliable: Whether publishers of images and camera infos are.
        jpeg_quality: 1 to 100.
        makes_infos: Whether camera infos are made, instead of those of the recording.
        calibration: Of the camera, or None to make one up from ``field_of_view``.
        field_of_view: From the left edge to the right one, degrees; None: not calibrated.
        clock_rate: Of ``/clock``, Hz; None: there is none.
    """

    speed: float = 1.0
    is_looping: bool = False
    duration: float | None = None
    transport: Literal['raw', 'compressed'] | None = None
    as_camera: bool = False
    stamps: Literal['now', 'recorded'] = 'now'
    frame_id: str | None = None
    is_reliable: bool = True
    jpeg_quality: int = 90
    makes_infos: bool = False
    calibration: Calibration | None = None
    field_of_view: float | None = None
    clock_rate: float | None = None
