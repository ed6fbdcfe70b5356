"""Run-length encoding of binary masks: row by row for messages, COCO's form for files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from yolact_core.compiled import kernels

GROUP_BITS = 5  # payload of one character of COCO's compressed form
GROUPS = 7  # enough for 32 bits and a sign
FIRST_CHARACTER = 48


def mask_to_run_lengths(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint32]:
    """Encode a mask row by row.

    Args:
        mask: Mask, shape (H, W).

    Returns:
        Lengths of alternating runs, the first of background and possibly 0; they add up to H * W.
    """
    flat = mask.ravel()
    if flat.size == 0:
        return np.zeros(0, dtype=np.uint32)
    is_edge = np.ones(flat.size + 1, dtype=np.bool_)  # where runs begin, and the last one ends
    np.not_equal(flat[1:], flat[:-1], out=is_edge[1:-1])
    (edges,) = is_edge.nonzero()
    lengths = (edges[1:] - edges[:-1]).astype(np.uint32)
    return np.concatenate([np.zeros(1, np.uint32), lengths]) if flat[0] else lengths


def run_lengths_to_mask(
    run_lengths: npt.NDArray[np.uint32], height: int, width: int
) -> npt.NDArray[np.bool_]:
    """Decode a mask that ``mask_to_run_lengths`` encoded.

    Args:
        run_lengths: Lengths of alternating runs, the first of background.
        height: Height of the mask in pixels.
        width: Width of the mask in pixels.

    Raises:
        ValueError: The lengths do not add up to ``height * width``.
    """
    flat, total = _fill(np.ascontiguousarray(run_lengths, dtype=np.uint32), height * width)
    if total != height * width:
        raise ValueError(
            f'run lengths must add up to {height} * {width} = {height * width}, got {total}'
        )
    return flat.reshape(height, width)


def _fill(run_lengths: npt.NDArray[np.uint32], size: int) -> tuple[npt.NDArray[np.bool_], int]:
    """Return the pixels of a mask, if its run lengths add up to the size, and their sum."""
    if kernels is not None:
        flat = np.empty(size, dtype=np.bool_)
        return flat, kernels.fill_runs(run_lengths, flat)
    is_foreground = np.zeros(len(run_lengths), dtype=np.bool_)
    is_foreground[1::2] = True
    flat = np.repeat(is_foreground, run_lengths)
    return flat, flat.size


def crop_to_coco_counts(
    crop: npt.NDArray[np.bool_], corner: tuple[int, int], size: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """Encode a cropped mask column by column within its whole image, as COCO counts.

    Args:
        crop: Cropped mask, shape (h, w).
        corner: Column and row of its first pixel in the image.
        size: Height and width of the image.

    Returns:
        Lengths of alternating runs, the first of background; they add up to height * width.
    """
    height, width = size
    columns = np.zeros((crop.shape[1], crop.shape[0] + 1), dtype=np.bool_)  # a gap below each
    columns[:, :-1] = crop.T
    flat = np.concatenate([[False], columns.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])  # where runs of foreground begin and end
    column, row = np.divmod(changes, crop.shape[0] + 1)
    edges = (column + corner[0]) * height + row + corner[1]
    if crop.shape[0] == height and len(edges):
        edges = _join_touching(edges)  # runs that reach the bottom go on in the next column
    last = [] if len(edges) and edges[-1] == height * width else [height * width]
    return np.diff(np.concatenate([[0], edges, last])).astype(np.int64)


def compress_coco_counts(counts: npt.NDArray[np.int64]) -> str:
    """Write COCO counts as the compressed string of ``pycocotools``.

    From the third on, each count is written as its difference to the one two before, in groups of
    5 bits, lowest first, each with a bit that says whether more follow.
    """
    values = counts.copy()
    values[3:] -= counts[1:-2]
    shifts = GROUP_BITS * np.arange(GROUPS)
    groups = (values[:, None] >> shifts) & 0x1F  # (N, GROUPS)
    rest = values[:, None] >> (shifts + GROUP_BITS)
    is_last = rest == np.where(groups & 0x10, -1, 0)
    is_needed = np.arange(GROUPS) <= is_last.argmax(axis=1)[:, None]
    characters = (groups | np.where(is_last, 0, 0x20)) + FIRST_CHARACTER
    return str(characters[is_needed].astype(np.uint8).tobytes(), 'ascii')


def _join_touching(edges: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Drop the end of each run and the start of the next where both coincide."""
    falls_together = np.flatnonzero(edges[1:-1:2] == edges[2::2])
    return np.delete(edges, np.concatenate([2 * falls_together + 1, 2 * falls_together + 2]))
