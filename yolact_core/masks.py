"""Instance masks from prototypes and coefficients, worked out inside the boxes only."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import ThreadpoolController
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
    bounds = (
        crop_bounds(boxes.float(), grid_height, grid_width).clamp(min=0).ceil().long().tolist()
    )
    crops, corners = [], []
    with _blas().limit(limits=1):
        for instance, (column, row, end_column, end_row) in zip(logits, bounds, strict=True):
            cells = instance[row:end_row, column:end_column]
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
    vertical = _interpolate(grid_size[0], size[0])
    horizontal = _interpolate(grid_size[1], size[1])
    top, bottom = vertical.reach(cell[0], cell[0] + logits.shape[0])
    left, right = horizontal.reach(cell[1], cell[1] + logits.shape[1])

    soft = 0.5 + 0.5 * np.tanh(0.5 * logits)  # the sigmoid, which overflows nowhere
    columns = slice(cell[1], cell[1] + logits.shape[1])
    widened = soft @ horizontal.weights[left:right, columns].T  # (h, right - left)
    mask = np.empty((bottom - top, right - left), dtype=np.bool_)
    for start in range(top, bottom, ROW_BLOCK):
        end = min(start + ROW_BLOCK, bottom)
        first = max(vertical.low[start], cell[0])
        last = min(vertical.high[end - 1], cell[0] + logits.shape[0] - 1)
        block = vertical.weights[start:end, first : last + 1]
        values = block @ widened[first - cell[0] : last + 1 - cell[0]]
        np.greater(values, MASK_THRESHOLD, out=mask[start - top : end - top])
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


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """Return a handle on NumPy's threads, which would wait for PyTorch's on few cores."""
    return ThreadpoolController().select(user_api='blas')


class _Interpolation(NamedTuple):
    """Bilinear resizing along one axis, with half-pixel centres.

    Attributes:
        weights: Of each cell in each pixel, shape (pixels, cells).
        low: The first cell that each pixel takes, shape (pixels,).
        high: The last one, shape (pixels,).
    """

    weights: npt.NDArray[np.float32]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]

    def reach(self, first: int, end: int) -> tuple[int, int]:
        """Return the first and the end pixel that take any of the cells first to end - 1."""
        return int(self.high.searchsorted(first)), int(self.low.searchsorted(end))


@lru_cache(maxsize=32)
def _interpolate(cells: int, pixels: int) -> _Interpolation:
    position = (np.arange(pixels, dtype=np.float32) + 0.5) * np.float32(cells / pixels) - 0.5
    position = np.clip(position, 0, cells - 1)
    low = position.astype(np.int64)
    high = np.minimum(low + 1, cells - 1)
    fraction = position - low
    pixel = np.arange(pixels)
    weights = np.zeros((pixels, cells), dtype=np.float32)
    np.add.at(weights, (pixel, low), 1 - fraction)
    np.add.at(weights, (pixel, high), fraction)
    return _Interpolation(weights, low, high)
