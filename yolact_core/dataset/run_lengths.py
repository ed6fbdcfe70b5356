"""Reading COCO's compressed run lengths, without trust in what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.masks.rle import FIRST_CHARACTER, GROUP_BITS

PAYLOAD, SIGN, MORE = 0x1F, 0x10, 0x20


def decompress_coco_counts(text: bytes) -> npt.NDArray[np.int64]:
    """Return the counts that ``compress_coco_counts`` wrote.

    Args:
        text: In groups of 5 bits, lowest first, with a bit that says whether more follow.

    Raises:
        ValueError: It has a character that no such text has, or breaks off.
    """
    groups = np.frombuffer(text, dtype=np.uint8).astype(np.int64) - FIRST_CHARACTER
    if groups.size == 0:
        return groups
    if groups.min() < 0 or groups.max() > (PAYLOAD | MORE) or groups[-1] & MORE:
        raise ValueError('run lengths must be as pycocotools compresses them')
    ends = np.flatnonzero(groups & MORE == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    shifts = GROUP_BITS * (np.arange(len(groups)) - np.repeat(starts, lengths))
    values = np.add.reduceat((groups & PAYLOAD) << shifts, starts)
    values -= np.where(groups[ends] & SIGN, 1 << (GROUP_BITS * lengths), 0)
    values[1::2] = values[1::2].cumsum()  # from the third on, a difference to two before
    values[2::2] = values[2::2].cumsum()
    return values


def find_fault(segmentation: dict[str, Any], size: tuple[int, int]) -> str | None:
    """Return what is wrong with an RLE, whose ``counts`` are a list or a compressed string.

    A decoder that trusts a wrong one reads or writes beyond its memory.

    Args:
        segmentation: As in the file.
        size: Height and width of the image in pixels.
    """
    if segmentation.get('size') != list(size):
        return (
            f'size of the RLE must be that of its image, {list(size)}, '
            f'got {segmentation.get("size")}'
        )
    try:
        counts = _to_array(segmentation.get('counts'))
    except (TypeError, ValueError, OverflowError):
        return 'run lengths must be whole numbers or a string as pycocotools writes it'
    pixels = size[0] * size[1]
    if counts.min(initial=0) < 0 or counts.sum() != pixels:
        return f'run lengths must add up to the {pixels} pixels of the image, got {counts.sum()}'
    return None


def _to_array(counts: object) -> npt.NDArray[np.int64]:
    if isinstance(counts, list):
        if not all(isinstance(count, int) for count in counts):
            raise TypeError
        return np.array(counts, dtype=np.int64)
    if isinstance(counts, str):
        return decompress_coco_counts(counts.encode('ascii'))
    if isinstance(counts, bytes):
        return decompress_coco_counts(counts)
    raise TypeError
