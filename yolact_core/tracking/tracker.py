"""Detections of successive images, followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.tracking.association import associate
from yolact_core.tracking.camera_shift import CameraShift, SmallView
from yolact_core.tracking.motion import BoxMotion, Floats, box_centres, no_motion
from yolact_core.tracking.options import TrackingOptions
from yolact_core.tracking.overlaps import side_doubts
from yolact_core.tracking.silhouettes import Silhouette
from yolact_core.tracking.similarity import Candidates
from yolact_core.tracking.track import Track

SHARED_BY = 3  # objects at least whose median speed a new one is supposed to have


@dataclass(frozen=True)
class Tracks:
    """Tracks of the detections of one image, in the order of these.

    Args:
        ids: Decimal number of each detection's track, empty where it has none.
        ages: Images since each track began, this one included; 0 without a track. Shape (N,).
        class_ids: Class that the images of each track voted for; without a track the
            detection's own. Shape (N,).
        trails: Way of each over the last seconds, x and y in pixels, shape (K, 2), the newest
            last; empty unless ``Trails`` followed it.
    """

    ids: tuple[str, ...]
    ages: npt.NDArray[np.int64]
    class_ids: npt.NDArray[np.int64]
    trails: tuple[Floats, ...] = ()


class Tracker:
    """Gives instances an identity that they keep from image to image.

    Confident detections are paired with tracks first, weak ones with tracks that are left, as in
    ByteTrack (Zhang et al. 2022), by the overlap of masks that are moved along with their boxes.
    Time is counted in seconds. What an object looks like besides its shape is not known.

    Args:
        options: How to follow.
        numbers: Numbers of new tracks; trackers may share them. Default: 1, 2, 3, ...

    Attributes:
        options: How to follow; may be replaced at any time.
    """

    def __init__(
        self, options: TrackingOptions | None = None, numbers: Iterator[int] | None = None
    ) -> None:
        self.options = options or TrackingOptions()
        self._numbers = numbers or count(1)
        self.reset()

    def reset(self) -> None:
        """Forget all tracks; their ids never come back."""
        self._tracks: list[Track] = []
        self._motion = no_motion()  # of each track, as if the camera had never moved
        self._camera = CameraShift()
        self._image = 0
        self._stamp: float | None = None

    def update(
        self,
        detections: Detections,
        stamp: float,
        rgb: npt.NDArray[np.uint8] | SmallView | None = None,
    ) -> Tracks:
        """Take what was found in the next image. Time that goes back begins anew.

        Args:
            detections: Instances in the image.
            stamp: Time of the image in seconds.
            rgb: The image, shape (H, W, 3), or its view, if the motion of the camera is to be
                made up for.

        Raises:
            InputError: The stamp is not a finite number.
        """
        if not np.isfinite(stamp):
            raise InputError(f'stamp must be finite seconds, got {stamp}')
        if not self.options.camera_motion:
            rgb = None
        view = SmallView.of(rgb) if isinstance(rgb, np.ndarray) else rgb
        self._go_on(stamp, view, detections.boxes)
        order = _canonical_order(detections)
        owners = self._follow(detections[order], stamp)
        return self._describe([owners.get(place) for place in np.argsort(order)], detections)

    def _go_on(
        self,
        stamp: float,
        view: SmallView | None,
        boxes: npt.NDArray[np.float32],
    ) -> None:
        """Move tracks on to the time and the place of the next image, or begin anew."""
        if self._stamp is not None and stamp < self._stamp:
            self.reset()
        if view and not self._camera.follow(view, boxes):
            self.reset()
            self._camera.follow(view, boxes)
        seconds = 0.0 if self._stamp is None else stamp - self._stamp
        is_kept = [stamp - track.stamp <= self.options.max_lost for track in self._tracks]
        self._tracks = [track for track, kept in zip(self._tracks, is_kept, strict=True) if kept]
        self._motion = self._motion[np.array(is_kept, np.bool_)].predict(seconds)
        self._stamp = stamp
        self._image += 1

    def _follow(self, detections: Detections, stamp: float) -> dict[int, Track]:
        """Continue tracks and begin others; return the track of each detection that has one."""
        masks = [Silhouette.of(mask) for mask in detections.masks]
        continued = self._associate(detections, masks)
        owners = {index: self._tracks[known] for known, index in continued.items()}
        is_confident = detections.scores >= self.options.begin_score
        new = [index for index in np.flatnonzero(is_confident).tolist() if index not in owners]
        owners |= {index: self._begin() for index in new}

        boxes = detections.boxes.astype(np.float64)
        doubts = side_doubts(boxes, detections.size)
        boxes -= self._offset
        known, seen = list(continued), list(continued.values())
        self._motion = self._motion.correct(known, boxes[seen], doubts[seen])
        common = self._common_speed(known)
        self._motion = self._motion.join(BoxMotion.begin(boxes[new], common, doubts[new]))

        for index, track in owners.items():
            class_id, score = int(detections.class_ids[index]), float(detections.scores[index])
            track.see(stamp, masks[index], class_id, score)
        for track, centre in zip(self._tracks, self._centres(), strict=True):
            if track.stamp == stamp:
                track.centre = centre
        return owners

    def _associate(self, detections: Detections, masks: list[Silhouette]) -> dict[int, int]:
        """Return the detection that continues each track, both as indices."""
        if not self._tracks or not len(detections):
            return {}
        expected = replace(self._motion, boxes=self._motion.boxes + self._offset)
        candidates = Candidates(self._tracks, expected, detections, masks, self.options.min_iou)
        is_confident = detections.scores >= self.options.begin_score
        overlap = candidates.overlap()
        is_met = overlap >= self.options.min_iou
        is_alone = ~np.any(is_met, axis=1, keepdims=True) & ~np.any(is_met, axis=0) & is_confident
        stages = [
            np.where(is_confident, overlap, 0.0),
            np.where(is_confident, 0.0, overlap),
            candidates.resemblance(is_alone),
        ]
        return associate(stages, self.options.min_iou)

    def _begin(self) -> Track:
        """Begin a track that is yet to be seen."""
        track = Track(str(next(self._numbers)), self._image)
        self._tracks.append(track)
        return track

    def _common_speed(self, known: list[int]) -> Floats:
        """Return the speed x, y that most of some tracks have: a new one may share it."""
        if len(known) < SHARED_BY:
            return np.zeros(2)
        return np.asarray(np.median(box_centres(self._motion.speeds[known]), axis=0))

    @property
    def _offset(self) -> Floats:
        """Pixels to add to boxes of tracks, as if the camera had not moved, shape (4,)."""
        return np.tile(self._camera.total, 2)

    def _centres(self) -> Floats:
        """Return where the box of each track has its centre in the image, shape (T, 2)."""
        return box_centres(self._motion.boxes + self._offset)

    def _describe(self, owners: list[Track | None], detections: Detections) -> Tracks:
        pairs = zip(owners, detections.class_ids.tolist(), strict=True)
        return Tracks(
            ids=tuple(track.id if track else '' for track in owners),
            ages=np.array(
                [self._image - track.first_image + 1 if track else 0 for track in owners], np.int64
            ),
            class_ids=np.array(
                [track.class_id if track else class_id for track, class_id in pairs], np.int64
            ),
        )


def _canonical_order(detections: Detections) -> npt.NDArray[np.int64]:
    """Return an order that does not depend on that of the detections."""
    keys = [*detections.boxes.T, detections.class_ids, -detections.scores]
    return np.lexsort(keys)
