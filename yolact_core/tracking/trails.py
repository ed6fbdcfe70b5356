"""Where objects came from, for pictures."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from yolact_core.detections import Detections
from yolact_core.tracking.motion import Floats, box_centres
from yolact_core.tracking.tracker import Tracks


class Trails:
    """Remembers where the boxes of tracks had their centres, in pixels of the images of then."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, dict[str, Floats]]] = deque()

    def follow(
        self, tracks: Tracks, detections: Detections, stamp: float, seconds: float
    ) -> Tracks:
        """Return tracks with their trails.

        Args:
            tracks: Tracks of the next image.
            detections: Instances in the image.
            stamp: Time of the image in seconds.
            seconds: Length of the trails; 0 for none.
        """
        while self._past and not stamp - seconds <= self._past[0][0] <= stamp:
            self._past.popleft()
        if not seconds:
            return tracks
        centres = box_centres(detections.boxes.astype(np.float64))
        self._past.append((stamp, dict(zip(tracks.ids, centres, strict=True))))
        return replace(tracks, trails=tuple(self._trail(track_id) for track_id in tracks.ids))

    def _trail(self, track_id: str) -> Floats:
        known = [places[track_id] for _, places in self._past if track_id and track_id in places]
        return np.array(known).reshape(-1, 2)
