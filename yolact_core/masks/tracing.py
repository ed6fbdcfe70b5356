"""Runs of binary masks straight from soft masks on a coarse grid, without computing all pixels.

Along a row of the image, a bilinearly upsampled mask is linear between the centres of two cells.
So it crosses the threshold there at most once, at a point that follows from their values.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from types import ModuleType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from yolact_core.compiled import kernels
from yolact_core.masks.instance_masks import InstanceMasks

MASK_THRESHOLD = 0.5

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def trace_masks(soft_masks: Floats, bounds: Integers, size: tuple[int, int]) -> InstanceMasks:
    """Crop soft masks, upsample them bilinearly and take what is above the threshold.

    Args:
        soft_masks: Masks in [0, 1], shape (N, Hp, Wp).
        bounds: Cells x1, y1, x2, y2 that belong to each mask, ends excluded; all other cells
            count as 0. Shape (N, 4).
        size: Height and width of the image in pixels.
    """
    if kernels is not None:
        return _trace_compiled(kernels, soft_masks, bounds, size)
    profiles = _widen_rows(soft_masks, bounds, size[0])
    runs = _find_runs(profiles, soft_masks.shape[2], size[1])
    return _cut_out(runs, len(soft_masks), size)


def _trace_compiled(
    kernels: ModuleType, soft_masks: Floats, bounds: Integers, size: tuple[int, int]
) -> InstanceMasks:
    """Do the same in one pass."""
    count = len(soft_masks)
    spans = np.stack(_rows_of(bounds, soft_masks.shape[1], size[0]), axis=1)  # (N, 2)
    shapes, corners = np.zeros((count, 2), dtype=np.int64), np.zeros((count, 2), dtype=np.int64)
    counts = np.zeros(count, dtype=np.int64)
    found = kernels.trace_masks(
        np.ascontiguousarray(soft_masks),
        np.ascontiguousarray(bounds),
        spans,
        _interpolate(soft_masks.shape[1], size[0]),
        size[1],
        (shapes, corners, counts),
    )
    lengths = np.frombuffer(found, dtype=np.uint32)
    ends = [0, *np.cumsum(counts).tolist()]
    runs = tuple(lengths[start:end] for start, end in pairwise(ends))
    return InstanceMasks(runs, shapes, corners, size)


class _Profiles(NamedTuple):
    """Rows of pixels by columns of cells, of all instances one after the other.

    Each row of an instance has one more cell of value 0 at both ends.

    Attributes:
        values: Interpolated values, shape (V,).
        starts: Index of the first value of each instance, shape (N + 1,), the last one V.
        widths: Values per row of each instance, shape (N,).
        cells: Grid column of the first value in the rows of each instance, shape (N,); -1 at the
            left edge.
        rows: First row of pixels of each instance, shape (N,).
    """

    values: Floats
    starts: Integers
    widths: Integers
    cells: Integers
    rows: Integers


class _Runs(NamedTuple):
    """Runs of foreground, ordered by instance, row and column.

    Attributes:
        instances: Index of the instance, shape (R,).
        rows: Row of the image, shape (R,).
        starts: First column, shape (R,).
        ends: Column after the last one, shape (R,).
    """

    instances: Integers
    rows: Integers
    starts: Integers
    ends: Integers


def _widen_rows(soft_masks: Floats, bounds: Integers, height: int) -> _Profiles:
    """Interpolate between rows of cells for each row of pixels that the cells of a mask reach."""
    grid_height = soft_masks.shape[1]
    low, high, share = _interpolate(grid_height, height)
    left, _, right, _ = bounds.T
    first, end = _rows_of(bounds, grid_height, height)
    widths = np.where(first == end, 0, right - left) + 2
    starts = np.concatenate([[0], np.cumsum((end - first) * widths)])
    values = np.empty(starts[-1], dtype=np.float32)
    for index in (first != end).nonzero()[0]:
        x1, y1, x2, y2 = bounds[index].tolist()
        cells = np.zeros((y2 - y1 + 2, x2 - x1 + 2), dtype=np.float32)
        cells[1:-1, 1:-1] = soft_masks[index, y1:y2, x1:x2]
        rows = slice(first[index], end[index])
        upper = values[starts[index] : starts[index + 1]].reshape(-1, x2 - x1 + 2)
        cells.take(low[rows] - (y1 - 1), axis=0, out=upper, mode='clip')
        step = cells.take(high[rows] - (y1 - 1), axis=0, mode='clip')
        step -= upper
        step *= share[rows, np.newaxis]
        upper += step
    return _Profiles(values, starts, widths, left - 1, first)


def _rows_of(bounds: Integers, grid_height: int, height: int) -> tuple[Integers, Integers]:
    """Return the first row of pixels that each mask may reach, and the one after the last."""
    low, high, _ = _interpolate(grid_height, height)
    left, top, right, bottom = bounds.T
    first = high.searchsorted(top)
    is_empty = (left >= right) | (top >= bottom)
    return first, np.where(is_empty, first, low.searchsorted(bottom))


def _find_runs(profiles: _Profiles, cells: int, pixels: int) -> _Runs:
    """Find where each row of pixels is above the threshold.

    Args:
        profiles: Rows of all instances.
        cells: Number of columns of the grid.
        pixels: Number of columns of the image.
    """
    values = profiles.values
    is_above = values > MASK_THRESHOLD
    # rows begin and end below the threshold: crossings go up and down in turn
    (before,) = (is_above[1:] != is_above[:-1]).nonzero()
    instances = np.repeat(
        np.arange(len(profiles.widths)), np.diff(before.searchsorted(profiles.starts))
    )
    row, column = np.divmod(before - profiles.starts[instances], profiles.widths[instances])
    cell = profiles.cells[instances] + column
    value = values[before]
    crossing = cell + 0.5 + (MASK_THRESHOLD - value) / (values[before + 1] - value)
    crossing = crossing * (pixels / cells) - 0.5  # in pixels, 0 being the centre of the first
    crossing = np.fmax(crossing, -1)  # what is not a number, too
    crossing[cell < 0] = -1  # beyond the outer cells' centres a mask goes on to the edge
    crossing[cell == cells - 1] = pixels
    starts = np.floor(crossing[0::2]).astype(np.int64) + 1
    ends = np.ceil(crossing[1::2]).astype(np.int64)
    has_pixels = starts < ends
    return _Runs(
        instances[0::2][has_pixels],
        (row[0::2] + profiles.rows[instances[0::2]])[has_pixels],
        starts[has_pixels],
        ends[has_pixels],
    )


def _cut_out(runs: _Runs, count: int, size: tuple[int, int]) -> InstanceMasks:
    """Return the run lengths of each instance within the smallest rectangle around it."""
    shapes, corners = np.zeros((count, 2), dtype=np.int64), np.zeros((count, 2), dtype=np.int64)
    found, first = np.unique(runs.instances, return_index=True)
    if len(found) == 0:
        none = np.zeros(0, dtype=np.uint32)
        return InstanceMasks((none,) * count, shapes, corners, size)
    last = np.append(first[1:], len(runs.instances)) - 1
    corners[found, 0] = np.minimum.reduceat(runs.starts, first)
    corners[found, 1] = runs.rows[first]
    shapes[found, 0] = runs.rows[last] + 1 - corners[found, 1]
    shapes[found, 1] = np.maximum.reduceat(runs.ends, first) - corners[found, 0]

    # all rectangles as one long row of pixels, with a pixel of background between any two
    areas = shapes.prod(axis=1)
    bases = np.cumsum(areas + 1) - (areas + 1)
    owner = runs.instances
    row_start = bases[owner] + (runs.rows - corners[owner, 1]) * shapes[owner, 1]
    starts = row_start + runs.starts - corners[owner, 0]
    ends = row_start + runs.ends - corners[owner, 0]
    is_apart = starts[1:] != ends[:-1]  # from the run before, which may end the row above
    starts = starts[np.append(True, is_apart)]
    ends = ends[np.append(is_apart, True)]

    # the start of each rectangle, the start and end of its runs, and its end
    index = np.arange(count)
    first = starts.searchsorted(bases)
    stop = np.append(first[1:], len(starts))
    slots = 2 * np.arange(len(starts)) + 2 * index.repeat(stop - first) + 1
    edges = np.empty(2 * (len(starts) + count), dtype=np.int64)
    edges[2 * (first + index)] = bases
    edges[slots], edges[slots + 1] = starts, ends
    edges[2 * (stop + index) + 1] = bases + areas
    lengths = np.diff(edges).astype(np.uint32)
    begins = 2 * (first + index)
    finish = 2 * (stop + index)
    finish = finish + (lengths[finish] > 0)
    pieces = zip(begins.tolist(), finish.tolist(), strict=True)
    return InstanceMasks(tuple(lengths[begin:end] for begin, end in pieces), shapes, corners, size)


@lru_cache(maxsize=32)
def _interpolate(cells: int, pixels: int) -> tuple[Integers, Integers, Floats]:
    """Return the two cells that each pixel lies between, and the share of the second one.

    Centres of cells and pixels lie at halves, as in ``interpolate`` of PyTorch.
    """
    position = (np.arange(pixels, dtype=np.float32) + 0.5) * np.float32(cells / pixels) - 0.5
    position = np.clip(position, 0, cells - 1)
    low = position.astype(np.int64)
    return low, np.minimum(low + 1, cells - 1), (position - low).astype(np.float32)
