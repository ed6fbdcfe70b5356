"""Tracks of what candidates find in a bag: those of a tracker, or as they were recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from yolact_core.detections import Detections
from yolact_core.tracking import Tracker, Tracks
from yolact_core.tracking.track import NO_MASK, Track
from yolact_ros.bag.evaluate.choice import Choice
from yolact_ros.bag.evaluate.predictors import FrameDetections, Predictor
from yolact_ros.bag.replay.frames import Frame

NO_TRACKS = Tracks((), np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True)
class TrackedDetections:
    """Instances of an image that count as found and have a track.

    Args:
        detections: The instances, of the class that the track of each voted for.
        ids: Id of the track of each.
    """

    detections: Detections
    ids: tuple[str, ...]


class Follower(Protocol):
    """Follows what a candidate finds on one topic."""

    def follow(self, frame: Frame, prediction: FrameDetections) -> tuple[Detections, Tracks]:
        """Return detections of the next image, and their tracks."""


class NewTracks:
    """Follows instances as the node does, which sees those above its threshold.

    Args:
        score_threshold: Detections that score above it are seen.
    """

    def __init__(self, score_threshold: float) -> None:
        self._score_threshold = score_threshold
        self._tracker = Tracker()

    def follow(self, frame: Frame, prediction: FrameDetections) -> tuple[Detections, Tracks]:
        """Return detections of the next image, and their tracks."""
        found = prediction.detections
        found = found[found.scores > self._score_threshold]
        return found, self._tracker.update(found, frame.moment, frame.rgb)


class RecordedTracks:
    """Takes ids from a recording, and lets the instances of each vote for its class."""

    def __init__(self) -> None:
        self._tracks: dict[str, Track] = {}

    def follow(self, frame: Frame, prediction: FrameDetections) -> tuple[Detections, Tracks]:
        """Return detections of the next image, and their tracks."""
        found, tracks = prediction.detections, prediction.tracks or NO_TRACKS
        class_ids, pairs = found.class_ids.copy(), zip(tracks.ids, found.scores, strict=True)
        for index, (track_id, score) in enumerate(pairs):
            if track_id:
                track = self._find(track_id, frame.moment)
                track.see(frame.moment, NO_MASK, int(class_ids[index]), float(score))
                class_ids[index] = track.class_id
        return found, replace(tracks, class_ids=class_ids)

    def _find(self, track_id: str, stamp: float) -> Track:
        """Return a track, which begins anew where time goes back."""
        if track_id not in self._tracks or stamp < self._tracks[track_id].stamp:
            self._tracks[track_id] = Track(track_id, first_image=0)
        return self._tracks[track_id]


class Followers:
    """Follows what each candidate finds on each topic; no two of these share a track.

    Args:
        predictors: Candidates.
        choice: What of their detections is looked at.
    """

    def __init__(self, predictors: Sequence[Predictor], choice: Choice) -> None:
        self._predictors = predictors
        self._choice = choice
        self._of_topic: dict[str, list[Follower]] = {}

    def follow(
        self, frame: Frame, predictions: Sequence[FrameDetections]
    ) -> tuple[TrackedDetections, ...]:
        """Return what each candidate found in the next image of a topic and has a track.

        Args:
            frame: The image.
            predictions: Detections of each candidate.
        """
        if frame.topic not in self._of_topic:
            self._of_topic[frame.topic] = [self._begin(one) for one in self._predictors]
        pairs = zip(self._of_topic[frame.topic], predictions, strict=True)
        return tuple(
            self._select(prediction.detections, NO_TRACKS)
            if prediction.is_missing
            else self._select(*follower.follow(frame, prediction))
            for follower, prediction in pairs
        )

    def _begin(self, predictor: Predictor) -> Follower:
        return RecordedTracks() if predictor.has_ids else NewTracks(self._choice.score_threshold)

    def _select(self, detections: Detections, tracks: Tracks) -> TrackedDetections:
        voted = replace(detections, class_ids=tracks.class_ids)
        has_track = np.array([bool(one) for one in tracks.ids], np.bool_)
        is_kept = has_track & self._choice.is_found(voted)
        return TrackedDetections(
            detections=self._choice.select(voted[is_kept]),
            ids=tuple(tracks.ids[index] for index in np.flatnonzero(is_kept).tolist()),
        )
