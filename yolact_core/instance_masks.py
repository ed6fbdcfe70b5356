"""The masks of the instances of one image, each stored only where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from yolact_core.rle import compress_coco_counts, crop_to_coco_counts, mask_to_run_lengths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yolact_core.polygons import Part

    Index = slice | npt.NDArray[Any] | list[int] | list[bool]


@dataclass(frozen=True)
class InstanceMasks:
    """Binary masks that may overlap, have holes and several parts.

    Args:
        crops: The smallest rectangle around each mask, bool, shape (h, w); (0, 0) if empty.
        corners: Column and row of each crop's first pixel in the image, shape (N, 2).
        size: Height and width of the image in pixels.
    """

    crops: tuple[npt.NDArray[np.bool_], ...]
    corners: npt.NDArray[np.int64]
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.crops)

    def __iter__(self) -> Iterator[tuple[npt.NDArray[np.bool_], tuple[int, int]]]:
        """Iterate over each crop with its corner (x, y)."""
        corners = [(x, y) for x, y in self.corners.tolist()]
        return iter(zip(self.crops, corners, strict=True))

    def __getitem__(self, index: Index) -> InstanceMasks:
        """Return some of the masks, picked by a slice, indices or a boolean array."""
        picked = np.arange(len(self))[index]
        return InstanceMasks(
            tuple(self.crops[position] for position in picked), self.corners[picked], self.size
        )

    def dense(self) -> npt.NDArray[np.bool_]:
        """Return full-size masks, shape (N, H, W). They take N * H * W bytes."""
        masks = np.zeros((len(self), *self.size), dtype=np.bool_)
        for mask, (crop, corner) in zip(masks, self, strict=True):
            mask[_window(crop, corner)] = crop
        return masks

    def areas(self) -> npt.NDArray[np.int64]:
        """Return the foreground pixels of each mask, shape (N,)."""
        return np.array([np.count_nonzero(crop) for crop in self.crops], dtype=np.int64)

    def label_image(self) -> npt.NDArray[np.uint16]:
        """Return 0 for background and 1 + index of the first mask at each pixel, shape (H, W).

        Detections come best first, so where masks overlap the best one is seen.
        """
        labels = np.zeros(self.size, dtype=np.uint16)
        for index in reversed(range(len(self))):
            x, y = self.corners[index].tolist()
            labels[_window(self.crops[index], (x, y))][self.crops[index]] = index + 1
        return labels

    def run_lengths(self) -> list[npt.NDArray[np.uint32]]:
        """Return the alternating run lengths of each crop, row by row, background first."""
        return [mask_to_run_lengths(crop) for crop in self.crops]

    def coco_rles(self) -> list[dict[str, Any]]:
        """Return each mask as COCO's compressed RLE: ``size`` (height, width) and ``counts``."""
        return [
            {
                'size': list(self.size),
                'counts': compress_coco_counts(crop_to_coco_counts(crop, corner, self.size)),
            }
            for crop, corner in self
        ]

    def polygons(self) -> list[list[Part]]:
        """Return the exact outlines of each mask: its parts, each an outline and then its holes.

        Points are corners of pixels, x and y, int32, shape (M, 2).
        """
        from yolact_core.polygons import mask_to_polygons

        return [mask_to_polygons(crop, corner) for crop, corner in self]


def _window(crop: npt.NDArray[np.bool_], corner: tuple[int, int]) -> tuple[slice, slice]:
    x, y = corner
    return slice(y, y + crop.shape[0]), slice(x, x + crop.shape[1])
