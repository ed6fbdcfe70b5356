"""Images with what there is and what was found, to be evaluated."""

import numpy as np

from yolact_core.evaluation.results import ImageResult, ImageTruth
from yolact_core.masks.instance_masks import InstanceMasks

SIZE = (60, 80)
CLASSES = 4


def make_rles(masks):
    found = InstanceMasks.from_dense(masks, SIZE)
    ends = found.corners + found.shapes[:, ::-1]
    return np.concatenate([found.corners, ends], axis=1).astype(np.float64), found.coco_rles()


def make_images(count, seed):
    """Return truths, some of them crowds, and results; of the last class there are none."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    truths, results = [], []
    for _ in range(count):
        circles = [
            (*random.integers(10, 50, 2), random.integers(4, 25))
            for _ in range(random.integers(5))
        ]
        masks = [(columns - x) ** 2 + (rows - y) ** 2 < r * r for x, y, r in circles]
        boxes, rles = make_rles(masks)
        ids = random.integers(0, CLASSES - 1, len(masks))
        is_crowd = random.random(len(masks)) < 0.2
        areas = np.array([mask.sum() for mask in masks], np.float64)
        truths.append(ImageTruth(SIZE, boxes, ids, is_crowd, areas, rles))
        kept = random.permutation(len(masks))[: random.integers(len(masks) + 1)]
        found = [np.roll(masks[one], random.integers(-2, 3, 2), (0, 1)) for one in kept]
        found += [rows < random.integers(5, 30)] * int(random.integers(2))
        boxes, rles = make_rles(found)
        ids = np.append(ids[kept], np.zeros(len(found) - len(kept), np.int64))
        scores = random.choice([0.2, 0.5, 0.8], len(found))
        results.append(ImageResult(boxes, ids, scores, scores, rles))
    return truths, results
