"""How well two sets of masks of one image agree: panoptic quality (Kirillov et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.segmentation import Rle, coco_mask

LEAST_MATCH = 0.5  # IoU that is more than half


@dataclass(frozen=True)
class Agreement:
    """Which masks of two sets are the same object.

    Args:
        quality: Sum of the IoU of pairs, divided by the mean size of the two sets, in [0, 1].
        is_paired: Whether each mask of the second set is in a pair, shape (M,).
    """

    quality: float
    is_paired: npt.NDArray[np.bool_]


def agree(
    rles: Sequence[Rle],
    class_ids: npt.NDArray[np.int64],
    other_rles: Sequence[Rle],
    other_class_ids: npt.NDArray[np.int64],
) -> Agreement:
    """Pair masks of the same class that overlap by more than half, the best first.

    Args:
        rles: Masks of the first set.
        class_ids: Class ids of the first set, shape (N,).
        other_rles: Masks of the second set.
        other_class_ids: Class ids of the second set, shape (M,).

    Raises:
        InputError: pycocotools is not installed.
    """
    is_paired = np.zeros(len(other_rles), np.bool_)
    if not rles and not other_rles:
        return Agreement(1.0, is_paired)
    if not rles or not other_rles:
        return Agreement(0.0, is_paired)
    overlaps = np.array(coco_mask().iou(list(rles), list(other_rles), [0] * len(other_rles)))
    overlaps[class_ids[:, None] != other_class_ids[None, :]] = 0.0
    total = 0.0
    while (best := overlaps.max()) > LEAST_MATCH:
        row, column = np.unravel_index(overlaps.argmax(), overlaps.shape)
        total += float(best)
        is_paired[column] = True
        overlaps[row, :] = overlaps[:, column] = 0.0
    return Agreement(2 * total / (len(rles) + len(other_rles)), is_paired)
