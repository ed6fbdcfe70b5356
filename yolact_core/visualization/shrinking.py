"""Images and masks in a smaller size, for drawings that need not be as large as the image."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.masks.instance_masks import Crop, InstanceMasks


def shrink_image(rgb: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    """Return a smaller image, at least one pixel of it, or a copy."""
    if scale == 1:
        whole: npt.NDArray[np.uint8] = rgb.copy(order='C')
        return whole
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    small = cv2.resize(np.ascontiguousarray(rgb), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def shrink_masks(masks: InstanceMasks, size: tuple[int, int]) -> list[Crop]:
    """Return what each mask is at the centres of the pixels of a smaller image.

    Args:
        masks: Masks of the instances.
        size: Height and width of the smaller image.
    """
    if size == masks.size:
        return list(masks)
    rows, columns = (
        (np.arange(few) * 2 + 1) * many // (2 * few)
        for few, many in zip(size, masks.size, strict=True)
    )
    shrunk = []
    for crop, (x, y) in masks:
        top, bottom = rows.searchsorted([y, y + crop.shape[0]]).tolist()
        left, right = columns.searchsorted([x, x + crop.shape[1]]).tolist()
        picked = crop.take(rows[top:bottom] - y, axis=0)
        shrunk.append((picked.take(columns[left:right] - x, axis=1), (left, top)))
    return shrunk
