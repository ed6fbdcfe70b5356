"""Detections with masks of every kind: with holes, in parts, overlapping, at edges, empty."""

import numpy as np

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import InstanceMasks

CLASS_NAMES = ('person', 'chair', 'cup')


def make_detections(count=6, size=(37, 53), seed=0):
    """Return detections with random masks; the last one is empty, the first fills the image."""
    random = np.random.default_rng(seed)
    height, width = size
    crops = [(np.ones(size, dtype=np.bool_), (0, 0))]
    for _ in range(count - 2):
        rows, columns = random.integers(1, (height, width))
        crop = random.random((rows, columns)) < 0.6
        crop[[0, -1]], crop[:, [0, -1]] = True, True  # the rectangle is the smallest one
        corner = random.integers(width - columns + 1), random.integers(height - rows + 1)
        crops.append((crop, corner))
    crops.append((np.zeros((0, 0), dtype=np.bool_), (0, 0)))
    return Detections(
        boxes=random.random((count, 4), dtype=np.float32) * 30,
        scores=np.linspace(1, 0.1, count, dtype=np.float32),
        mask_scores=np.linspace(1, 0.1, count, dtype=np.float32),
        class_ids=np.arange(count) % len(CLASS_NAMES),
        coefficients=random.random((count, 8), dtype=np.float32),
        masks=InstanceMasks.from_crops(crops, size),
        all_class_names=CLASS_NAMES,
    )


def make_nothing(size=(37, 53)):
    """Return no detections."""
    return make_detections(2, size)[:0]
