"""Records of several bags, with the classes of each renumbered to those of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from yolact_core.evaluation.matches import ImageMatches
from yolact_ros.bag.evaluate.records import FrameRecord, FrameResult, Record

Numbers = npt.NDArray[np.int64]  # new class id by old one


def merge_bags(
    bags: Sequence[tuple[Sequence[Record], tuple[str, ...]]],
) -> tuple[list[Record], tuple[str, ...]]:
    """Put records of bags together, bag after bag.

    The classes are those of all bags together, since truth without a list of classes has only
    those that occur in it. A class that was left out in a bag, because its truth does not know it,
    stays left out there.

    Args:
        bags: Records of each bag, with the names of its classes.

    Returns:
        Records of all bags, and the names of the classes in the order of their first occurrence.
    """
    class_names = tuple(dict.fromkeys(name for _, names in bags for name in names))
    merged: list[Record] = []
    for records, names in bags:
        numbers = np.array([class_names.index(name) for name in names], dtype=np.int64)
        merged.extend(_renumber(record, numbers) for record in records)
    return merged, class_names


def _renumber(record: Record, numbers: Numbers) -> Record:
    if not isinstance(record, FrameRecord):
        return record
    return replace(record, results=tuple(_result(one, numbers) for one in record.results))


def _result(result: FrameResult, numbers: Numbers) -> FrameResult:
    truth, steadiness = result.truth, result.steadiness
    return replace(
        result,
        class_ids=numbers[result.class_ids],
        truth=truth
        and replace(truth, box=_matches(truth.box, numbers), mask=_matches(truth.mask, numbers)),
        steadiness=steadiness
        and replace(
            steadiness,
            classes_before=numbers[steadiness.classes_before],
            classes_after=numbers[steadiness.classes_after],
            lost_classes=numbers[steadiness.lost_classes],
        ),
    )


def _matches(matches: ImageMatches, numbers: Numbers) -> ImageMatches:
    return {int(numbers[class_id]): one for class_id, one in matches.items()}
