"""How likely a detection is to be the object of a track."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import Crop
from yolact_core.tracking.motion import BoxMotion, Floats, box_centres, box_sizes
from yolact_core.tracking.overlaps import pairwise_box_iou, pairwise_mask_iou
from yolact_core.tracking.track import Track

LEAST_BOX_IOU = 0.1  # of boxes whose masks are compared
OTHER_CLASS = 0.7  # factor where the class is not that of the track
REACH = 3.0  # standard deviations within which an object that overlaps nothing is looked for
GROWTH = 2.0  # most that it may have grown or shrunk by meanwhile

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Candidates:
    """Tracks and the detections of an image that may continue them.

    Args:
        tracks: T tracks.
        expected: Where their boxes are expected in the image.
        detections: N detections.
    """

    tracks: list[Track]
    expected: BoxMotion
    detections: Detections

    @cached_property
    def boxes(self) -> Floats:
        """Boxes of the detections, shape (N, 4)."""
        return self.detections.boxes.astype(np.float64)

    @cached_property
    def is_same_class(self) -> Bools:
        """Whether each detection is of the class of each track, shape (T, N)."""
        class_ids = np.array([track.class_id for track in self.tracks])
        return np.asarray(class_ids[:, None] == self.detections.class_ids)

    def overlap(self) -> Floats:
        """Return the mean IoU of boxes and of masks, moved to where they are expected, (T, N)."""
        height, width = self.detections.size
        inside = self.expected.boxes.clip(0, [width, height, width, height])
        box_iou = pairwise_box_iou(inside, self.boxes)
        is_near = box_iou >= LEAST_BOX_IOU
        mask_iou = self._mask_iou(is_near, box_centres(self.expected.boxes)[:, None])
        overlap = np.where(is_near, (box_iou + mask_iou) / 2, 0.0)
        return np.where(self.is_same_class, overlap, OTHER_CLASS * overlap)

    def resemblance(self, is_asked: Bools) -> Floats:
        """Return the IoU of masks laid upon each other, less with their distance, shape (T, N).

        Only objects of one class and of similar size are looked at.

        Args:
            is_asked: Pairs to look at, shape (T, N).
        """
        way = box_centres(self.expected.boxes)[:, None] - box_centres(self.boxes)  # (T, N, 2)
        distance = np.hypot(*way.transpose(2, 0, 1)) / self.expected.place_deviations()[:, None]
        growth = box_sizes(self.expected.boxes)[:, None] / box_sizes(self.boxes)
        is_near = is_asked & self.is_same_class & (distance <= REACH)
        is_near &= (growth <= GROWTH) & (growth >= 1 / GROWTH)
        likeness = self._mask_iou(is_near, box_centres(self.boxes)[None])
        return np.asarray(likeness * np.exp(-((distance / REACH) ** 2)))

    def _mask_iou(self, is_compared: Bools, centres: Floats) -> Floats:
        """Return IoU of masks after those of tracks moved so that their boxes have these centres.

        Args:
            is_compared: Pairs to compare, shape (T, N).
            centres: Pixels x and y for each pair, shape (T, N, 2) or one that broadcasts to it.
        """
        before = np.array([track.centre for track in self.tracks])[:, None]
        shifts = np.broadcast_to(centres - before, (*is_compared.shape, 2))
        masks: list[Crop] = [track.mask for track in self.tracks]
        return pairwise_mask_iou(masks, list(self.detections.masks), is_compared, shifts)
