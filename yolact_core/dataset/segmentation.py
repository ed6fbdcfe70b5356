"""The outlines and masks of COCO files, stored compactly, and their rasterisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import Crop, InstanceMasks, trim_mask
from yolact_core.masks.rle import FIRST_CHARACTER, GROUP_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

MIN_RING_VALUES = 6  # x and y of three points
FARTHEST = 1e5  # pixels; memory to rasterise a polygon grows with its extent
NOTHING, POLYGONS, RLE = range(3)
PAYLOAD, SIGN, MORE = 0x1F, 0x10, 0x20  # bits of a character of compressed run lengths

Rle = dict[str, Any]  # 'size' (height, width) and compressed 'counts', as pycocotools takes it


def coco_mask() -> ModuleType:
    """Return ``pycocotools.mask``.

    Raises:
        InputError: The package is not installed.
    """
    try:
        from pycocotools import mask
    except ImportError as error:
        raise InputError(
            'pycocotools must be installed to read or evaluate COCO files: '
            'pip install "yolact[train]"'
        ) from error
    module: ModuleType = mask
    return module


def decompress_coco_counts(text: bytes) -> npt.NDArray[np.int64]:
    """Return the run lengths that ``compress_coco_counts`` wrote.

    Args:
        text: Numbers in groups of 5 bits, lowest first, each with a bit for "more follow".

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
        segmentation: Run lengths as the file has them.
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
    if isinstance(counts, str | bytes):
        return decompress_coco_counts(_to_bytes(counts))
    raise TypeError


def segmentation_to_rle(segmentation: object, size: tuple[int, int]) -> Rle | None:
    """Rasterise the ``segmentation`` of a COCO annotation.

    Args:
        segmentation: Polygons, or run lengths as a list or as a compressed string.
        size: Height and width of the image in pixels.

    Returns:
        None where there is nothing that could have an area.
    """
    height, width = size
    if isinstance(segmentation, dict):
        counts = segmentation.get('counts')
        if isinstance(counts, list):
            whole: Rle = coco_mask().frPyObjects(
                {'size': [height, width], 'counts': counts}, *size
            )
            return whole
        return {'size': [height, width], 'counts': _to_bytes(counts)} if counts else None
    rings = usable_rings(segmentation)
    if not rings:
        return None
    merged: Rle = coco_mask().merge(coco_mask().frPyObjects(rings, height, width))
    return merged


def usable_rings(segmentation: object) -> list[list[float]]:
    """Return those polygons of a ``segmentation`` that have at least three points."""
    if not isinstance(segmentation, list):
        return []
    return [
        ring
        for ring in segmentation
        if isinstance(ring, list) and len(ring) >= MIN_RING_VALUES and len(ring) % 2 == 0
    ]


def decode_masks(rles: list[Rle], size: tuple[int, int]) -> InstanceMasks:
    """Decode masks of one image; no more than one of them is there in full at a time."""
    return InstanceMasks.from_crops((_decode_mask(rle, size) for rle in rles), size)


def _decode_mask(rle: Rle, size: tuple[int, int]) -> Crop:
    """Decode the columns that a mask reaches, and trim them."""
    height, _ = size
    counts = decompress_coco_counts(_to_bytes(rle['counts']))
    first = int(counts[0]) // height
    counts[0] -= first * height
    if len(counts) % 2:  # the last run is background
        counts[-1] %= height
    is_foreground = (np.arange(len(counts)) % 2).astype(np.uint8)
    columns = np.repeat(is_foreground, counts).reshape(-1, height)
    if not len(columns):
        return np.zeros((0, 0), dtype=np.bool_), (0, 0)
    return trim_mask(cv2.transpose(columns).view(np.bool_), (first, 0))


@dataclass(frozen=True)
class SegmentationStore:
    """The segmentations of many annotations in three arrays, rasterised when asked for.

    Python objects would take some ten times the memory, once for every worker process.

    Args:
        kinds: ``NOTHING``, ``POLYGONS`` or ``RLE``, uint8, shape (A,).
        offsets: Where each one's bytes begin, and the end of the last, int64, shape (A + 1,).
        data: All bytes: compressed counts; or how many polygons, their lengths and points.
    """

    kinds: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]

    @classmethod
    def pack(cls, segmentations: Iterable[tuple[object, tuple[int, int]]]) -> SegmentationStore:
        """Store segmentations, each given with the height and width of its image."""
        kinds, lengths, data = [], [], bytearray()
        for segmentation, size in segmentations:
            kind, content = _pack_one(segmentation, size)
            kinds.append(kind)
            lengths.append(len(content))
            data += content
        return cls(
            kinds=np.array(kinds, dtype=np.uint8),
            offsets=np.cumsum([0, *lengths], dtype=np.int64),
            data=np.frombuffer(bytes(data), dtype=np.uint8),
        )

    def rle(self, index: int, size: tuple[int, int]) -> Rle:
        """Return the mask of one annotation; without segmentation it is empty."""
        content = self.data[self.offsets[index] : self.offsets[index + 1]].tobytes()
        if self.kinds[index] == RLE:
            return {'size': list(size), 'counts': content}
        rings = _unpack_rings(content) if self.kinds[index] == POLYGONS else []
        rle = segmentation_to_rle(rings, size)
        return rle or segmentation_to_rle({'counts': [size[0] * size[1]]}, size) or {}


def _pack_one(segmentation: object, size: tuple[int, int]) -> tuple[int, bytes]:
    if isinstance(segmentation, dict):
        rle = segmentation_to_rle(segmentation, size)
        return (RLE, _to_bytes(rle['counts'])) if rle else (NOTHING, b'')
    rings = usable_rings(segmentation)
    if not rings:
        return NOTHING, b''
    header = np.array([len(rings), *map(len, rings)], dtype=np.int32)
    points = np.concatenate([np.asarray(ring, dtype=np.float64) for ring in rings])
    if not (np.abs(points) < FARTHEST).all():
        raise ValueError(f'points of polygons must be nearer than {FARTHEST:.0f} pixels')
    return POLYGONS, header.tobytes() + points.tobytes()


def _unpack_rings(content: bytes) -> list[list[float]]:
    (count,) = np.frombuffer(content, dtype=np.int32, count=1)
    lengths = np.frombuffer(content, dtype=np.int32, count=count, offset=4)
    points = np.frombuffer(content, dtype=np.float64, offset=4 * (1 + int(count)))
    return [ring.tolist() for ring in np.split(points, np.cumsum(lengths)[:-1])]


def _to_bytes(counts: str | bytes) -> bytes:
    return counts.encode('ascii') if isinstance(counts, str) else counts
