"""Scenes of rectangles whose tracks are known."""

from __future__ import annotations

import numpy as np

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.tracking import Tracker

SIZE = (480, 640)
NAMES = ('chair', 'person')
STAMP = 1_700_000_000.0  # as those of cameras, not far from 2^31


def rectangles(*boxes, scores=None, class_ids=None):
    """Return detections whose masks fill their boxes, x1 y1 x2 y2 in whole pixels."""
    count = len(boxes)
    scores = np.array(scores if scores is not None else [0.9] * count, np.float32)
    crops = [(np.ones((y2 - y1, x2 - x1), np.bool_), (x1, y1)) for x1, y1, x2, y2 in boxes]
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=scores,
        mask_scores=scores,
        class_ids=np.array(class_ids if class_ids is not None else [0] * count, np.int64),
        coefficients=np.zeros((count, 0), np.float32),
        masks=InstanceMasks.from_crops(crops, SIZE),
        all_class_names=NAMES,
    )


def moving(x, y, side=60):
    """Return a square around a place."""
    return round(x - side / 2), round(y - side / 2), round(x + side / 2), round(y + side / 2)


def follow(images, tracker=None, period=0.1):
    """Return the tracks of successive detections."""
    tracker = tracker or Tracker()
    return [tracker.update(one, STAMP + period * index) for index, one in enumerate(images)]
