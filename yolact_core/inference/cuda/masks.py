"""Instance masks computed on a device and brought back as bits.

All masks share one array of bytes whose size is known beforehand, so the device is never asked
how large they are: each byte finds out which eight pixels of which instance it holds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from yolact_core.masks.assembly import crop_bounds
from yolact_core.masks.instance_masks import InstanceMasks, trim_mask
from yolact_core.masks.tracing import MASK_THRESHOLD


class PackedMasks(NamedTuple):
    """The masks of D instances.

    Attributes:
        windows: Window x1, y1, x2, y2 of each mask in pixels, shape (D, 4).
        ends: End of the bytes of each mask, shape (D,). If the last one is beyond ``bits``, the
            masks did not fit.
        bits: Pixels of one mask after the other, row by row, each row beginning with a new byte,
            shape (M,) uint8.
    """

    windows: Tensor
    ends: Tensor
    bits: Tensor


class _Axis(NamedTuple):
    """Bilinear resizing along one axis: ``low`` and ``high`` cell, and share of the high one."""

    low: Tensor
    high: Tensor
    share: Tensor

    def reach(self, first: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        """Return the first and the end pixel that the cells from first to end - 1 reach."""
        return torch.searchsorted(self.high, first), torch.searchsorted(self.low, end)


def pack_masks(
    soft_masks: Tensor, boxes: Tensor, number: Tensor, size: tuple[int, int], capacity: int
) -> PackedMasks:
    """Upsample and binarise masks inside their boxes, as ``assemble_masks`` does.

    Args:
        soft_masks: Masks in [0, 1], 0 outside their boxes, shape (D, Hp, Wp).
        boxes: Corners as fractions of the image, shape (D, 4).
        number: Number of masks that are wanted, the first ones, shape ().
        size: Height and width of the image in pixels.
        capacity: Number of bytes to return.
    """
    device, grid = soft_masks.device, (soft_masks.shape[1], soft_masks.shape[2])
    vertical, horizontal = (_axis(*pair, device) for pair in zip(grid, size, strict=True))
    windows = _windows(boxes, grid, vertical, horizontal)
    x1, y1, x2, y2 = windows.unbind(1)
    row_bytes = (x2 - x1 + 7) // 8
    is_wanted = torch.arange(len(boxes), device=device) < number
    ends = (row_bytes * (y2 - y1) * is_wanted).cumsum(0)

    place = torch.arange(capacity, device=device)
    owner = torch.searchsorted(ends, place, right=True).clamp(max=len(boxes) - 1)  # (M,)
    local = place - (ends - row_bytes * (y2 - y1) * is_wanted)[owner]
    width = row_bytes[owner].clamp(min=1)
    row = (y1[owner] + local // width).clamp(max=size[0] - 1).unsqueeze(1)  # (M, 1)
    first_column = x1[owner] + local % width * 8
    column = first_column.unsqueeze(1) + torch.arange(8, device=device)  # (M, 8)
    is_inside = (column < x2[owner].unsqueeze(1)) & (place < ends[-1]).unsqueeze(1)
    column = column.clamp(max=size[1] - 1)

    values = _sample(soft_masks, owner.unsqueeze(1), _at(vertical, row), _at(horizontal, column))
    is_set = (values > MASK_THRESHOLD) & is_inside
    weights = 2 ** torch.arange(7, -1, -1, device=device, dtype=torch.uint8)
    return PackedMasks(windows, ends, (is_set * weights).sum(dim=1, dtype=torch.uint8))


def unpack_masks(
    windows: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    bits: npt.NDArray[np.uint8],
    size: tuple[int, int],
) -> InstanceMasks:
    """Return masks that ``pack_masks`` packed.

    Args:
        windows: Window of each wanted mask in pixels, shape (N, 4).
        ends: End of the bytes of each wanted mask, shape (N,).
        bits: Pixels of the masks, shape (M,).
        size: Height and width of the image in pixels.
    """
    crops = []
    starts = [0, *ends.tolist()]
    for (x1, y1, x2, y2), start, end in zip(windows.tolist(), starts, ends.tolist(), strict=False):
        rows = bits[start:end].reshape(y2 - y1, -1) if end > start else bits[:0].reshape(0, 0)
        mask = np.unpackbits(rows, axis=1, count=x2 - x1 if len(rows) else 0).view(np.bool_)
        crops.append(trim_mask(mask, (x1, y1)))
    return InstanceMasks.from_crops(crops, size)


def _windows(boxes: Tensor, grid: tuple[int, int], vertical: _Axis, horizontal: _Axis) -> Tensor:
    """Return the pixels that the cells of each box reach, x1 y1 x2 y2, shape (D, 4)."""
    cells = crop_bounds(boxes, *grid).clamp(min=0).ceil().long()
    left, top, right, bottom = (edge.contiguous() for edge in cells.unbind(1))
    x1, x2 = horizontal.reach(left, right)
    y1, y2 = vertical.reach(top, bottom)
    is_empty = (right <= left) | (bottom <= top)
    return torch.stack([x1, y1, x2.where(~is_empty, x1), y2.where(~is_empty, y1)], dim=1)


def _at(axis: _Axis, pixels: Tensor) -> _Axis:
    return _Axis(*(values[pixels] for values in axis))


def _sample(soft_masks: Tensor, owner: Tensor, vertical: _Axis, horizontal: _Axis) -> Tensor:
    """Interpolate, along rows first, shape (M, 8)."""

    def along_row(row: Tensor) -> Tensor:
        low = soft_masks[owner, row, horizontal.low]
        high = soft_masks[owner, row, horizontal.high]
        return low * (1 - horizontal.share) + high * horizontal.share

    top, bottom = along_row(vertical.low), along_row(vertical.high)
    return top * (1 - vertical.share) + bottom * vertical.share


def _axis(cells: int, pixels: int, device: torch.device) -> _Axis:
    centres = torch.arange(pixels, device=device, dtype=torch.float32) + 0.5
    position = (centres * (cells / pixels) - 0.5).clamp(0, cells - 1)
    low = position.long()
    return _Axis(low, (low + 1).clamp(max=cells - 1), position - low)
