"""Depth without some objects, for consumers that take the world as still."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks

CELL = 4  # pixels: as many as there are bytes in a uint32

Depth = npt.NDArray[np.uint16] | npt.NDArray[np.float32]


def remove(values: Depth, masks: InstanceMasks, margins: npt.NDArray[np.int64]) -> Depth:
    """Return a copy of a depth image that is 0, not measured, at and around objects.

    Every pixel that is at most its margin away from a mask, in both directions, becomes 0. Masks
    are widened in cells of 4x4 pixels, which is what makes wide margins cheap: up to 6 pixels
    beyond the margin may become 0 too.

    Args:
        values: Depth in any unit, shape (H, W).
        masks: Masks of the objects, in an image of the same size.
        margins: Pixels by which each mask is wider than it was seen, shape (N,).

    Raises:
        InputError: Depth and masks are of different sizes.
    """
    height, width = masks.size
    if values.shape != masks.size:
        raise InputError(
            f'depth must have the size of the masks, {width}x{height} pixels, '
            f'got {values.shape[1]}x{values.shape[0]}'
        )
    left: Depth = values.copy()
    if len(masks) == 0:
        return left
    covered = np.zeros((-(-height // CELL), -(-width // CELL)), dtype=np.bool_)
    corners = masks.corners.tolist()
    for crop, corner, margin in zip(masks.crops, corners, margins.tolist(), strict=True):
        _cover(covered, crop, corner, -(-margin // CELL))
    pixels = covered.repeat(CELL, axis=0)[:height].repeat(CELL, axis=1)[:, :width]
    left[pixels] = 0
    return left


def margins_by_age(
    masks: InstanceMasks, margin: int, age: float, speed: float
) -> npt.NDArray[np.int64]:
    """Return how much wider masks must be to cover objects that have moved since they were seen.

    How fast an object moves in the image depends on its distance, and so does its size there: the
    ratio of both does not. A person of 1.7 m who walks at 1.7 m/s has a speed of 1.

    Args:
        masks: Masks of the objects.
        margin: Pixels by which a mask is wider at once.
        age: Seconds since they were seen.
        speed: Lengths of its own longer side that an object may move in a second.

    Returns:
        Pixels, shape (N,).
    """
    way = masks.shapes.max(axis=1) * (max(age, 0.0) * speed)
    margins: npt.NDArray[np.int64] = margin + np.ceil(way).astype(np.int64)
    return margins


def _cover(
    covered: npt.NDArray[np.bool_],
    crop: npt.NDArray[np.bool_],
    corner: tuple[int, int],
    margin: int,
) -> None:
    """Note which cells a mask covers.

    Args:
        covered: What is covered already, in cells of the image.
        crop: Smallest rectangle around the mask.
        corner: Column and row of its first pixel.
        margin: Cells by which the mask is wider.
    """
    if crop.size == 0:
        return
    (x, dx), (y, dy) = divmod(corner[0], CELL), divmod(corner[1], CELL)
    rows, columns = -(-(dy + crop.shape[0]) // CELL), -(-(dx + crop.shape[1]) // CELL)
    pixels = np.zeros((rows, CELL, columns * CELL), dtype=np.bool_)
    pixels.reshape(rows * CELL, -1)[dy : dy + crop.shape[0], dx : dx + crop.shape[1]] = crop
    cells = pixels.any(axis=1).view(np.uint32) > 0  # four pixels of a row at once
    top, left = max(y - margin, 0), max(x - margin, 0)
    window = covered[top : y + rows + margin, left : x + columns + margin]
    seen = np.zeros(window.shape, dtype=np.uint8)
    seen[y - top : y - top + rows, x - left : x - left + columns] = cells
    # sums over a square, saturated: fast for a square of any size
    side = 2 * margin + 1
    window |= (
        cv2.boxFilter(seen, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT) > 0
    )
