"""How likely a detection is to be the object of a track."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from yolact_core.detections import Detections
from yolact_core.tracking.motion import BoxMotion, Floats, box_centres, box_sizes
from yolact_core.tracking.overlaps import pairwise_box_iou
from yolact_core.tracking.silhouettes import Bools, Ints, Pairs, Silhouette, mask_iou
from yolact_core.tracking.track import Track

LEAST_BOX_IOU = 0.1  # of boxes whose masks are compared
OTHER_CLASS = 0.7  # factor where the class is not that of the track
REACH = 3.0  # standard deviations within which an object that overlaps nothing is looked for
GROWTH = 2.0  # most that it may have grown or shrunk by meanwhile


@dataclass(frozen=True)
class Candidates:
    """Tracks and the detections of an image that may continue them.

    Args:
        tracks: T tracks.
        expected: Where their boxes are expected in the image.
        detections: N detections.
        masks: Masks of the detections.
        least: Similarity in (0, 1] below which two are not the same object.
    """

    tracks: list[Track]
    expected: BoxMotion
    detections: Detections
    masks: list[Silhouette]
    least: float

    def overlap(self) -> Floats:
        """Return the mean IoU of boxes and of masks, moved to where they are expected, (T, N)."""
        height, width = self.detections.size
        inside = self.expected.boxes.clip(0, [width, height, width, height])
        box_iou = pairwise_box_iou(inside, self._boxes)
        rows, columns = np.nonzero(box_iou >= LEAST_BOX_IOU)
        near = box_iou[rows, columns]
        factors = np.where(self._is_same_class[rows, columns], 1.0, OTHER_CLASS)
        centres = box_centres(self.expected.boxes)[rows]
        likeness = self._mask_iou(rows, columns, centres, 2 * self.least / factors - near)
        return self._spread(rows, columns, factors * (near + likeness) / 2)

    def resemblance(self, is_asked: Bools) -> Floats:
        """Return the IoU of masks laid upon each other, less with their distance, shape (T, N).

        Only objects of one class and of similar size are looked at.

        Args:
            is_asked: Pairs to look at, shape (T, N).
        """
        rows, columns = np.nonzero(is_asked & self._is_same_class)
        centres = box_centres(self._boxes)[columns]
        way = box_centres(self.expected.boxes)[rows] - centres
        distance = np.hypot(*way.T) / self.expected.place_deviations()[rows]
        growth = box_sizes(self.expected.boxes)[rows] / box_sizes(self._boxes)[columns]
        is_near = (distance <= REACH) & (growth <= GROWTH) & (growth >= 1 / GROWTH)
        rows, columns, centres = rows[is_near], columns[is_near], centres[is_near]
        trust = np.exp(-((distance[is_near] / REACH) ** 2))
        likeness = self._mask_iou(rows, columns, centres, self.least / trust)
        return self._spread(rows, columns, likeness * trust)

    @cached_property
    def _boxes(self) -> Floats:
        return self.detections.boxes.astype(np.float64)

    @cached_property
    def _is_same_class(self) -> Bools:
        class_ids = np.array([track.class_id for track in self.tracks])
        return np.asarray(class_ids[:, None] == self.detections.class_ids)

    def _mask_iou(self, rows: Ints, columns: Ints, centres: Floats, least: Floats) -> Floats:
        """Return IoU of masks after those of tracks moved so that their boxes have these centres.

        Args:
            rows: Track of each pair, shape (P,).
            columns: Detection of each pair, shape (P,).
            centres: Pixels x and y for each pair, shape (P, 2).
            least: IoU below which it may as well be 0, shape (P,).
        """
        before = np.array([track.centre for track in self.tracks])[rows]
        known = [track.mask for track in self.tracks]
        return mask_iou(known, self.masks, Pairs(rows, columns, centres - before, least))

    def _spread(self, rows: Ints, columns: Ints, values: Floats) -> Floats:
        """Return a value for each track and each detection, 0 without one, shape (T, N)."""
        spread = np.zeros((len(self.tracks), len(self.masks)))
        spread[rows, columns] = values
        return spread
