"""Run lengths as COCO files have them: a list of numbers, or compressed text."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.masks.rle import FIRST_CHARACTER, GROUP_BITS

PAYLOAD, SIGN, MORE = 0x1F, 0x10, 0x20  # bits of a character of compressed run lengths
MOST_GROUPS = 8  # characters of a number: 40 bits, more than any image has pixels

Counts = npt.NDArray[np.int64]


def decompress_coco_counts(text: bytes) -> Counts:
    """Return the run lengths that ``compress_coco_counts`` wrote.

    Args:
        text: Numbers in groups of 5 bits, lowest first, each with a bit for "more follow".

    Raises:
        ValueError: It has a character or a number that no such text has, or breaks off.
    """
    groups = np.frombuffer(text, dtype=np.uint8).astype(np.int64) - FIRST_CHARACTER
    if groups.size == 0:
        return groups
    if groups.min() < 0 or groups.max() > (PAYLOAD | MORE) or groups[-1] & MORE:
        raise ValueError('run lengths must be as pycocotools compresses them')
    ends = np.flatnonzero(groups & MORE == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > MOST_GROUPS:
        raise ValueError('run lengths must be as pycocotools compresses them')
    shifts = GROUP_BITS * (np.arange(len(groups)) - np.repeat(starts, lengths))
    values = np.add.reduceat((groups & PAYLOAD) << shifts, starts)
    values -= np.where(groups[ends] & SIGN, 1 << (GROUP_BITS * lengths), 0)
    values[1::2] = values[1::2].cumsum()  # from the third on, a difference to two before
    values[2::2] = values[2::2].cumsum()
    return values


def read_counts(segmentation: dict[str, Any], size: tuple[int, int]) -> Counts:
    """Return the run lengths of a mask.

    A decoder that trusts wrong ones reads or writes beyond its memory.

    Args:
        segmentation: The ``size`` and the ``counts``, a list or a compressed string.
        size: Height and width of the image in pixels.

    Raises:
        ValueError: They are not those of such an image; the text says what must hold.
    """
    if segmentation.get('size') != list(size):
        raise ValueError(
            f'size of the RLE must be that of its image, {list(size)}, '
            f'got {segmentation.get("size")!r}'
        )
    try:
        counts = _to_array(segmentation.get('counts'))
    except (TypeError, ValueError, OverflowError) as error:
        reason = 'run lengths must be whole numbers or a string as pycocotools writes it'
        raise ValueError(reason) from error
    pixels = size[0] * size[1]
    is_sound = counts.min(initial=0) >= 0 and counts.max(initial=0) <= pixels
    if not is_sound or counts.sum() != pixels:
        raise ValueError(
            f'run lengths must add up to the {pixels} pixels of the image, got {counts.sum()}'
        )
    return counts


def counts_to_bytes(counts: str | bytes) -> bytes:
    """Return compressed run lengths as pycocotools takes them."""
    return counts.encode('ascii') if isinstance(counts, str) else counts


def _to_array(counts: object) -> Counts:
    if isinstance(counts, list):
        if not set(map(type, counts)) <= {int}:
            raise TypeError
        return np.array(counts, dtype=np.int64)
    if isinstance(counts, str | bytes):
        return decompress_coco_counts(counts_to_bytes(counts))
    raise TypeError
