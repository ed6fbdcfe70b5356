"""Instance masks from prototypes and coefficients, worked out inside the boxes only."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
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
    x, y = boxes[:, 0::2] * width, boxes[:, 1::2] * height  # (N, 2)
    low = [(side.amin(dim=1) - padding).clamp(min=0) for side in (x, y)]
    high = [
        (side.amax(dim=1) + padding).clamp(max=most) for side, most in ((x, width), (y, height))
    ]
    return torch.stack([*low, *high], dim=1)


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
    grid = prototypes.float().permute(1, 2, 0).cpu().numpy()  # (Hp, Wp, K)
    weights = coefficients.float().cpu().numpy()
    bounds = crop_bounds(boxes.float(), *grid.shape[:2]).clamp(min=0).ceil().long().cpu().numpy()
    left, top, right, bottom = bounds.T
    rows = _interpolate(grid.shape[0], size[0]).spans(top, bottom)
    columns = _interpolate(grid.shape[1], size[1]).spans(left, right)
    crops, corners = [], []
    with _blas().limit(limits=1):
        for weight, row, column in zip(weights, rows, columns, strict=True):
            logits = grid[row.cell : row.end_cell, column.cell : column.end_cell] @ weight
            mask = _upsample(logits, row, column)
            crop, corner = trim_mask(mask, (column.pixel, row.pixel))
            crops.append(crop)
            corners.append(corner)
    return InstanceMasks(tuple(crops), np.array(corners, dtype=np.int64).reshape(-1, 2), size)


def _upsample(
    logits: npt.NDArray[np.float32], rows: _Span, columns: _Span
) -> npt.NDArray[np.bool_]:
    """Return the binary mask of the pixels that the cells of one box reach.

    Args:
        logits: Before the sigmoid; all cells around these count as zero after it. Shape (h, w).
        rows: That they are.
        columns: That they are.
    """
    if logits.size == 0:
        return np.zeros((0, 0), dtype=np.bool_)
    soft = 0.5 + 0.5 * np.tanh(0.5 * logits)  # the sigmoid, which overflows nowhere
    across = columns.axis.weights[
        columns.pixel : columns.end_pixel, columns.cell : columns.end_cell
    ]
    widened = soft @ across.T  # (h, pixels across)
    mask = np.empty((rows.end_pixel - rows.pixel, len(across)), dtype=np.bool_)
    for start in range(rows.pixel, rows.end_pixel, ROW_BLOCK):
        end = min(start + ROW_BLOCK, rows.end_pixel)
        first = max(rows.axis.low[start], rows.cell)
        last = min(rows.axis.high[end - 1] + 1, rows.end_cell)
        values = (
            rows.axis.weights[start:end, first:last]
            @ widened[first - rows.cell : last - rows.cell]
        )
        np.greater(values, MASK_THRESHOLD, out=mask[start - rows.pixel : end - rows.pixel])
    return mask


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
    if mask.size == 0:
        return mask.reshape(0, 0), (0, 0)
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    if width == 0:
        return np.zeros((0, 0), dtype=np.bool_), (0, 0)
    crop = np.ascontiguousarray(mask[y : y + height, x : x + width])
    return crop, (corner[0] + x, corner[1] + y)


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

    def spans(self, first: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> list[_Span]:
        """Return which pixels take any of the cells first to end - 1, for each pair of these."""
        pixels = self.high.searchsorted(first).tolist(), self.low.searchsorted(end).tolist()
        cells = first.tolist(), end.tolist()
        return [_Span(self, *ends) for ends in zip(*cells, *pixels, strict=True)]


class _Span(NamedTuple):
    """The cells of one box along one axis, and the pixels that take any of them."""

    axis: _Interpolation
    cell: int
    end_cell: int
    pixel: int
    end_pixel: int


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
