"""Average precision of weighted images, as the bootstrap needs it a thousand times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from yolact_core.evaluation.matches import ImageMatches

RECALLS = np.linspace(0.0, 1.0, 101)

Floats = npt.NDArray[np.float64]


class WeightedPrecision:
    """Average precision, as a fraction, where each image counts so often.

    Args:
        matches: Matches of each image.
        class_count: Number of classes.
    """

    def __init__(self, matches: Sequence[ImageMatches], class_count: int) -> None:
        self._classes = [
            _ClassCurve(matches, class_id)
            for class_id in range(class_count)
            if any(class_id in one for one in matches)
        ]

    def __call__(self, weights: Floats) -> float:
        """Return mean AP over classes that have objects."""
        values = [curve(weights) for curve in self._classes]
        defined = [value for value in values if value is not None]
        return float(np.mean(defined)) if defined else float('nan')


class _ClassCurve:
    """Detections of one class in all images, best score first."""

    def __init__(self, matches: Sequence[ImageMatches], class_id: int) -> None:
        present = [(image, one[class_id]) for image, one in enumerate(matches) if class_id in one]
        images = np.concatenate([np.full(len(one.scores), image) for image, one in present])
        scores = np.concatenate([one.scores for _, one in present])
        order = np.argsort(-scores, kind='mergesort')
        is_match = np.concatenate([one.is_match[0] for _, one in present], axis=1)[:, order]
        is_ignored = np.concatenate([one.is_ignored[0] for _, one in present], axis=1)[:, order]
        self._images = images[order].astype(np.int64)
        self._hits, self._misses = is_match & ~is_ignored, ~is_match & ~is_ignored  # (T, D)
        self._objects = np.zeros(len(matches))
        for image, one in present:
            self._objects[image] = one.objects[0]

    def __call__(self, weights: Floats) -> float | None:
        """Return mean AP over IoU thresholds, at COCO's 101 recalls; None without objects."""
        objects = weights @ self._objects
        if objects == 0:
            return None
        of_each = weights[self._images]
        hits = np.cumsum(self._hits * of_each, axis=1)
        misses = np.cumsum(self._misses * of_each, axis=1)
        precision = hits / (hits + misses + np.spacing(1))
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        padded = np.concatenate([precision, np.zeros((len(precision), 1))], axis=1)
        recall = hits / objects
        return float(
            np.mean(
                [
                    row[np.searchsorted(reached, RECALLS, side='left')]
                    for row, reached in zip(padded, recall, strict=True)
                ]
            )
        )
