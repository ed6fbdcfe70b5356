"""Instance masks from prototypes and coefficients, worked out inside the boxes only."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from yolact_core.instance_masks import InstanceMasks

MASK_THRESHOLD = 0.5
CROP_PADDING = 1  # prototype pixels that a mask may reach beyond its box
ROW_BLOCK = 32  # output rows per matrix product; few enough to stay in the cache


def combine_prototypes(prototypes: Tensor, coefficients: Tensor) -> Tensor:
    """Return each instance's mask logits, its combination of the prototypes (YOLACT, eq. 1).

    Args:
        prototypes: Shape (K, Hp, Wp).
        coefficients: Shape (N, K).

    Returns:
        Before the sigmoid, shape (N, Hp, Wp).
    """
    logits: Tensor = coefficients @ prototypes.flatten(1)
    return logits.view(-1, *prototypes.shape[1:])


def crop_bounds(boxes: Tensor, height: int, width: int, padding: int = CROP_PADDING) -> Tensor:
    """Return the first and the end column and row that belong to each box.

    Args:
        boxes: Corners as fractions of the image, in any order, shape (N, 4).
        height: Of the mask grid.
        width: Of the mask grid.
        padding: Grid pixels by which the box is enlarged.

    Returns:
        x1, y1, x2, y2 in grid pixels, not rounded: pixel j belongs to x1 <= j < x2. Shape (N, 4).
    """
    corners = boxes.view(-1, 2, 2) * boxes.new_tensor([width, height])
    low = (corners.amin(dim=1) - padding).clamp(min=0)
    high = (corners.amax(dim=1) + padding).minimum(boxes.new_tensor([width, height]))
    return torch.cat([low, high], dim=1)


def crop_masks(masks: Tensor, boxes: Tensor, padding: int = CROP_PADDING) -> Tensor:
    """Set everything outside its box to zero in each mask.

    Args:
        masks: Shape (N, H, W).
        boxes: Corners as fractions of the image, shape (N, 4).
        padding: Mask pixels by which the boxes are enlarged.
    """
    height, width = masks.shape[1:]
    x1, y1, x2, y2 = crop_bounds(boxes, height, width, padding)[:, :, None].unbind(1)  # (N, 1)
    columns = torch.arange(width, device=masks.device)
    rows = torch.arange(height, device=masks.device)
    in_columns = (columns >= x1) & (columns < x2)  # (N, W)
    in_rows = (rows >= y1) & (rows < y2)  # (N, H)
    return masks * (in_rows.unsqueeze(2) & in_columns.unsqueeze(1))


def assemble_masks(
    prototypes: Tensor, coefficients: Tensor, boxes: Tensor, size: tuple[int, int]
) -> InstanceMasks:
    """Combine, crop, upsample and binarise the masks of the instances of one image.

    Equal to cropping on the prototype grid, upsampling bilinearly to the whole image and
    thresholding (YOLACT, section 3.3), but only pixels that the box can reach are computed: time
    and memory grow with the boxes, not with instances times image.

    Args:
        prototypes: Of the image, shape (K, Hp, Wp).
        coefficients: Shape (N, K).
        boxes: Corners as fractions of the image, shape (N, 4).
        size: Height and width of the image in pixels.
    """
    grid_height, grid_width = prototypes.shape[1:]
    logits = combine_prototypes(prototypes, coefficients).float().cpu().numpy()
    bounds = crop_bounds(boxes.float(), grid_height, grid_width).ceil().long().cpu().tolist()
    crops, corners = [], []
    for instance_logits, (column, row, end_column, end_row) in zip(logits, bounds, strict=True):
        cells = instance_logits[row:end_row, column:end_column]
        crop, corner = _upsample(cells, (row, column), (grid_height, grid_width), size)
        crops.append(crop)
        corners.append(corner)
    return InstanceMasks(tuple(crops), np.array(corners, dtype=np.int64).reshape(-1, 2), size)


def _upsample(
    logits: npt.NDArray[np.float32],
    cell: tuple[int, int],
    grid_size: tuple[int, int],
    size: tuple[int, int],
) -> tuple[npt.NDArray[np.bool_], tuple[int, int]]:
    """Upsample the cells of one box and return the binary crop and its corner (x, y).

    Args:
        logits: Before the sigmoid; all cells around these count as zero after it. Shape (h, w).
        cell: Row and column of the first of these cells.
        grid_size: Height and width of the whole grid.
        size: Height and width of the image.
    """
    if logits.size == 0:
        return np.zeros((0, 0), dtype=np.bool_), (0, 0)
    soft = 0.5 + 0.5 * np.tanh(0.5 * logits)  # the sigmoid, which overflows nowhere
    vertical, top = _taps(grid_size[0], size[0], cell[0], logits.shape[0])  # (rows, h)
    horizontal, left = _taps(grid_size[1], size[1], cell[1], logits.shape[1])  # (columns, w)
    widened = soft @ horizontal.T  # (h, columns)
    mask = np.empty((len(vertical), len(horizontal)), dtype=np.bool_)
    for start in range(0, len(vertical), ROW_BLOCK):
        block = vertical[start : start + ROW_BLOCK]
        used = np.flatnonzero(block[[0, -1]].any(axis=0))
        reach = slice(used[0], used[-1] + 1)
        np.greater(
            block[:, reach] @ widened[reach], MASK_THRESHOLD, out=mask[start : start + ROW_BLOCK]
        )
    return trim_mask(mask, (left, top))


def trim_mask(
    mask: npt.NDArray[np.bool_], corner: tuple[int, int] = (0, 0)
) -> tuple[npt.NDArray[np.bool_], tuple[int, int]]:
    """Cut empty rows and columns off a mask.

    Args:
        mask: Shape (H, W).
        corner: Column and row of its first pixel in the image.

    Returns:
        The smallest crop that holds all foreground, (0, 0) in size if there is none, and its
        corner (x, y).
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return np.zeros((0, 0), dtype=np.bool_), (0, 0)
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    crop = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(crop), (corner[0] + int(columns[0]), corner[1] + int(rows[0]))


def _taps(cells: int, pixels: int, first: int, count: int) -> tuple[npt.NDArray[np.float32], int]:
    """Return the weight of some cells in each pixel that they reach, and the first such pixel.

    Args:
        cells: Along the whole axis of the grid.
        pixels: Along the whole axis of the image.
        first: The first of the cells.
        count: How many of them.
    """
    matrix, begin, end = _interpolation(cells, pixels)
    top, bottom = begin[first], end[first + count - 1]
    return matrix[top:bottom, first : first + count], int(top)


@lru_cache(maxsize=32)
def _interpolation(
    cells: int, pixels: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return bilinear upsampling along one axis as a matrix, with half-pixel centres.

    Returns:
        Weight of each cell in each pixel, shape (pixels, cells), and the first and the end pixel
        that each cell reaches, both of shape (cells,).
    """
    position = (np.arange(pixels, dtype=np.float32) + 0.5) * np.float32(cells / pixels) - 0.5
    position = np.clip(position, 0, cells - 1)
    low = position.astype(np.int64)
    high = np.minimum(low + 1, cells - 1)
    fraction = position - low
    pixel = np.arange(pixels)
    matrix = np.zeros((pixels, cells), dtype=np.float32)
    np.add.at(matrix, (pixel, low), 1 - fraction)
    np.add.at(matrix, (pixel, high), fraction)
    reached = matrix > 0
    begin = reached.argmax(axis=0)
    return matrix, begin, begin + reached.sum(axis=0)
