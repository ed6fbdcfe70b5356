"""The outlines and masks of COCO files, stored compactly, and their rasterisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.dataset.run_lengths import decompress_coco_counts
from yolact_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

MIN_RING_VALUES = 6  # x and y of three points
FARTHEST = 1e5  # pixels; memory to rasterise a polygon grows with its extent
NOTHING, POLYGONS, RLE = range(3)

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


def decode_masks(rles: list[Rle], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Decode masks of one image, writing only the columns that each of them reaches.

    Returns:
        0 or 1, shape (N, H, W).
    """
    height, _ = size
    masks = np.zeros((len(rles), *size), dtype=np.uint8)
    for rle, mask in zip(rles, masks, strict=True):
        counts = decompress_coco_counts(_to_bytes(rle['counts']))
        first = int(counts[0]) // height
        counts[0] -= first * height
        if len(counts) % 2:  # the last run is background
            counts[-1] %= height
        is_foreground = (np.arange(len(counts)) % 2).astype(np.uint8)
        columns = np.repeat(is_foreground, counts).reshape(-1, height)
        if len(columns):
            mask[:, first : first + len(columns)] = cv2.transpose(columns)
    return masks


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
