"""The outlines and masks of COCO files, stored compactly, and their rasterisation."""

from __future__ import annotations

import itertools
import reprlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.dataset.problems import MisfitError
from yolact_core.dataset.run_lengths import (
    counts_to_bytes,
    decompress_coco_counts,
    read_counts,
)
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import Crop, InstanceMasks, trim_mask

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

MIN_RING_VALUES = 6  # x and y of three points
FARTHEST = 1e5  # pixels; memory to rasterise a polygon grows with its extent
POLYGON_RULE = f'polygons must be lists of x and y that are nearer than {FARTHEST:.0f} pixels'
POLYGONS, RLE = range(2)
NUMBERS = frozenset((int, float))  # no booleans, which Python takes for numbers

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
        return {'size': [height, width], 'counts': counts_to_bytes(counts)} if counts else None
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
    counts = decompress_coco_counts(counts_to_bytes(rle['counts']))
    first = int(counts[0]) // height
    counts[0] -= first * height
    if len(counts) % 2:  # the last run is background
        counts[-1] %= height
    is_foreground = (np.arange(len(counts)) % 2).astype(np.uint8)
    columns = np.repeat(is_foreground, counts).reshape(-1, height)
    if not len(columns):
        return np.zeros((0, 0), dtype=np.bool_), (0, 0)
    return trim_mask(cv2.transpose(columns).view(np.bool_), (first, 0))


class PackedSegmentation(NamedTuple):
    """The segmentation of one annotation.

    Attributes:
        kind: ``POLYGONS`` or ``RLE``.
        content: Compressed counts; or how many polygons, their lengths and points.
        useless: Number of polygons that were left out, for they have fewer than three points.
    """

    kind: int
    content: bytes
    useless: int = 0


def pack_segmentation(segmentation: object, size: tuple[int, int]) -> PackedSegmentation:
    """Check the ``segmentation`` of a COCO annotation and pack it.

    Args:
        segmentation: Polygons, or run lengths as a list or as a compressed string.
        size: Height and width of the image in pixels.

    Raises:
        MisfitError: It is wrong or, as a warning, encloses nothing.
    """
    if isinstance(segmentation, dict):
        return _pack_run_lengths(segmentation, size)
    if segmentation is None:
        raise MisfitError('segmentation must enclose an area', 'got none', 'warning')
    if not isinstance(segmentation, list):
        found = f'got {type(segmentation).__name__}'
        raise MisfitError('segmentation must be polygons or RLE', found)
    if not all(_is_ring(ring) for ring in segmentation):
        raise MisfitError(POLYGON_RULE, f'got {reprlib.repr(segmentation)}')
    rings = usable_rings(segmentation)
    if not rings:
        found = f'got {len(segmentation)} polygons, none of 3 points'
        raise MisfitError('segmentation must enclose an area', found, 'warning')
    header = struct.pack(f'={1 + len(rings)}i', len(rings), *map(len, rings))
    points = _join_points(rings)
    if points is None:
        raise MisfitError(POLYGON_RULE, f'got {reprlib.repr(segmentation)}')
    useless = len(segmentation) - len(rings)
    return PackedSegmentation(POLYGONS, header + points.tobytes(), useless)


def _pack_run_lengths(segmentation: dict[str, Any], size: tuple[int, int]) -> PackedSegmentation:
    try:
        counts = read_counts(segmentation, size)
    except ValueError as error:
        raise MisfitError(str(error), '') from error
    if not counts[1::2].any():
        raise MisfitError('segmentation must enclose an area', 'got an empty mask', 'warning')
    rle = segmentation_to_rle(segmentation, size) or {}
    return PackedSegmentation(RLE, counts_to_bytes(rle['counts']))


def _join_points(rings: list[list[float]]) -> npt.NDArray[np.float64] | None:
    """Return the values of all polygons, None where some are no numbers or too far away."""
    try:
        points = np.fromiter(itertools.chain.from_iterable(rings), dtype=np.float64)
    except OverflowError:  # a whole number beyond all floats
        return None
    return points if np.abs(points).max() < FARTHEST else None


def _is_ring(ring: object) -> bool:
    """Return whether values are numbers in pairs."""
    return isinstance(ring, list) and len(ring) % 2 == 0 and set(map(type, ring)) <= NUMBERS


@dataclass(frozen=True)
class SegmentationStore:
    """The segmentations of many annotations in three arrays, rasterised when asked for.

    Python objects would take some ten times the memory, once for every worker process.

    Args:
        kinds: ``POLYGONS`` or ``RLE``, uint8, shape (A,).
        offsets: Where each one's bytes begin, and the end of the last, int64, shape (A + 1,).
        data: All bytes: compressed counts; or how many polygons, their lengths and points.
    """

    kinds: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]

    @classmethod
    def join(cls, packed: Iterable[PackedSegmentation]) -> SegmentationStore:
        """Store segmentations one behind the other."""
        packed = list(packed)
        content = b''.join(one.content for one in packed)
        return cls(
            kinds=np.array([one.kind for one in packed], dtype=np.uint8),
            offsets=np.cumsum([0, *(len(one.content) for one in packed)], dtype=np.int64),
            data=np.frombuffer(content, dtype=np.uint8),
        )

    def rle(self, index: int, size: tuple[int, int]) -> Rle:
        """Return the mask of one annotation."""
        content = self.data[self.offsets[index] : self.offsets[index + 1]].tobytes()
        if self.kinds[index] == RLE:
            return {'size': list(size), 'counts': content}
        return segmentation_to_rle(_unpack_rings(content), size) or {}


def _unpack_rings(content: bytes) -> list[list[float]]:
    (count,) = np.frombuffer(content, dtype=np.int32, count=1)
    lengths = np.frombuffer(content, dtype=np.int32, count=count, offset=4)
    points = np.frombuffer(content, dtype=np.float64, offset=4 * (1 + int(count)))
    return [ring.tolist() for ring in np.split(points, np.cumsum(lengths)[:-1])]
