"""Average precision where each image counts so often: the bootstrap needs it many times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from yolact_core.evaluation.matches import ClassMatches, ImageMatches

RECALLS = np.linspace(0.0, 1.0, 101)
MOST_VALUES = 4_000_000  # in one array

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


class WeightedPrecision:
    """Average precision of weighted images by COCO's rules, as a fraction.

    Args:
        matches: Matches of each image.
        class_count: Number of classes.
    """

    def __init__(self, matches: Sequence[ImageMatches], class_count: int) -> None:
        self._class_count = class_count
        self._curves = {
            class_id: _ClassCurve(matches, class_id)
            for class_id in range(class_count)
            if any(class_id in one and one[class_id].objects[0] for one in matches)
        }

    def __call__(self, weights: Floats) -> float:
        """Return mean AP over classes that have objects, NaN if none has.

        Args:
            weights: How often each image counts, shape (F,).
        """
        return float(mean_of_defined(self.by_class(weights[None]), axis=(1, 2))[0])

    def by_class(self, weights: Floats) -> Floats:
        """Return the AP of each class at each IoU threshold, NaN without objects.

        Args:
            weights: How often each image counts in each resample, shape (R, F).

        Returns:
            Shape (R, C, T).
        """
        columns = {class_id: curve.of_all(weights) for class_id, curve in self._curves.items()}
        thresholds = next((one.shape[1] for one in columns.values()), 1)
        table = np.full((len(weights), self._class_count, thresholds), np.nan)
        for class_id, column in columns.items():
            table[:, class_id] = column
        return table


def mean_of_defined(values: Floats, axis: tuple[int, ...]) -> Floats:
    """Return the mean over axes of all values but NaN; NaN where there are no others."""
    counts = (~np.isnan(values)).sum(axis=axis)
    means: Floats = np.where(counts, np.nansum(values, axis=axis) / np.maximum(counts, 1), np.nan)
    return means


class _Hits(NamedTuple):
    """Which detections of a class are right at one IoU threshold.

    Attributes:
        right: Rank of each detection that is right, shape (H,).
        ignored: Rank of each detection that counts neither as right nor as wrong, shape (K,).
        ignored_before: Number of ignored ones before each right one, shape (H,).
    """

    right: Indices
    ignored: Indices
    ignored_before: Indices


class _ClassCurve:
    """Detections of one class in all images, best score first.

    Precision is largest, and recall grows, where a detection is right: only there are the curves
    looked at, and what comes after the last right one is left out.
    """

    def __init__(self, matches: Sequence[ImageMatches], class_id: int) -> None:
        present = [(image, one[class_id]) for image, one in enumerate(matches) if class_id in one]
        images = np.concatenate([np.full(len(one.scores), image) for image, one in present])
        scores = np.concatenate([one.scores for _, one in present])
        order = np.argsort(-scores, kind='mergesort')
        self._hits = _find_hits([one for _, one in present], order)
        seen = 1 + max((int(one.right[-1]) for one in self._hits if len(one.right)), default=-1)
        self._images = images[order[:seen]].astype(np.int64)
        self._objects = np.zeros(len(matches))
        for image, one in present:
            self._objects[image] = one.objects[0]

    def of_all(self, weights: Floats) -> Floats:
        """Return the AP at each IoU threshold in each resample, (R, T), a part at a time."""
        parts = -(-weights.shape[0] * max(1, len(self._images)) // MOST_VALUES)
        return np.concatenate([self(part) for part in np.array_split(weights, max(1, parts))])

    def __call__(self, weights: Floats) -> Floats:
        """Return the AP at each IoU threshold, at COCO's 101 recalls; NaN without objects."""
        objects = weights @ self._objects  # (R,)
        of_each = weights[:, self._images]  # (R, D)
        counts = np.cumsum(of_each, axis=1)
        table = np.stack([_mean_precision(one, of_each, counts, objects) for one in self._hits], 1)
        table[objects == 0] = np.nan
        return table


def _find_hits(matches: Sequence[ClassMatches], order: Indices) -> list[_Hits]:
    is_match = np.concatenate([one.is_match[0] for one in matches], axis=1)[:, order]
    is_ignored = np.concatenate([one.is_ignored[0] for one in matches], axis=1)[:, order]
    found = []
    for matched, skipped in zip(is_match, is_ignored, strict=True):
        right = np.flatnonzero(matched & ~skipped)
        ignored = np.flatnonzero(skipped)
        ignored = ignored[: np.searchsorted(ignored, right[-1] if len(right) else 0)]
        found.append(_Hits(right, ignored, np.searchsorted(ignored, right)))
    return found


def _mean_precision(hits: _Hits, of_each: Floats, counts: Floats, objects: Floats) -> Floats:
    """Return the mean precision over recalls in each resample, shape (R,).

    Args:
        hits: Which detections are right.
        of_each: How often each detection counts, best score first, shape (R, D).
        counts: Number of detections up to each, shape (R, D).
        objects: Number of objects, shape (R,).
    """
    right = np.cumsum(of_each[:, hits.right], axis=1)  # (R, H)
    counted = counts[:, hits.right]
    if len(hits.ignored):
        ignored = np.cumsum(of_each[:, hits.ignored], axis=1)
        counted = counted - np.pad(ignored, ((0, 0), (1, 0)))[:, hits.ignored_before]
    precision = right / (counted + np.spacing(1))
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = right / np.maximum(objects, 1)[:, None]
    reached = np.searchsorted(RECALLS, recall, side='right')
    newly_reached = np.diff(reached, axis=1, prepend=0)
    means: Floats = (precision * newly_reached).sum(axis=1) / len(RECALLS)
    return means
