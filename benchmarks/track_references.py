"""ByteTrack and OC-SORT of the package ``trackers`` (Apache-2.0), which is no dependency."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from yolact_core.detections import Detections

INSTALL = (
    'ByteTrack and OC-SORT are left out, install them beside what is there: '
    'pip install --no-deps trackers==2.6.1 supervision pydeprecate defusedxml'
)
PATIENT = {'lost_track_buffer': 60, 'minimum_consecutive_frames': 1}  # 2 s, in images at 30 Hz
BYTETRACK = [
    {
        **PATIENT,
        'high_conf_det_threshold': high,
        'track_activation_threshold': begin,
        'minimum_iou_threshold': iou,
    }
    for high, begin, iou in itertools.product((0.3, 0.45, 0.6), (0.3, 0.5), (0.05, 0.1, 0.2))
]
OCSORT = [
    {
        **PATIENT,
        'high_conf_det_threshold': high,
        'minimum_iou_threshold': iou,
        'direction_consistency_weight': direction,
    }
    for high, iou, direction in itertools.product((0.3, 0.45, 0.6), (0.05, 0.15, 0.3), (0, 0.2))
]

Settings = dict[str, float]


def find_references() -> dict[str, tuple[Any, list[Settings]]]:
    """Return each tracker and the settings to choose from; none where they are not installed."""
    try:
        from trackers import ByteTrackTracker, OCSORTTracker
    except ImportError:
        return {}
    return {'ByteTrack': (ByteTrackTracker, BYTETRACK), 'OC-SORT': (OCSORTTracker, OCSORT)}


def follow_as_reference(
    tracker_type: Any,  # noqa: ANN401 - a class of trackers
    settings: Settings,
    rate: float,
    images: Sequence[Detections],
) -> list[list[str]]:
    """Return the track of each detection in each image, empty where it has none.

    Args:
        tracker_type: Class of the tracker.
        settings: Arguments of it.
        rate: Images per second.
        images: Detections of successive images.
    """
    import supervision

    tracker = tracker_type(frame_rate=rate, **settings)
    tracks = []
    for detections in images:
        found = tracker.update(
            supervision.Detections(
                xyxy=detections.boxes.astype(np.float64),
                confidence=detections.scores.astype(np.float64),
                class_id=detections.class_ids,
                data={'place': np.arange(len(detections))},
            )
        )
        ids = [''] * len(detections)
        if len(found):
            for place, number in zip(found.data['place'], found.tracker_id, strict=True):
                ids[place] = str(number) if number >= 0 else ''
        tracks.append(ids)
    return tracks
