"""The masks of the instances of one image, each as runs of pixels inside its bounding box."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.masks.rle import (
    compress_coco_counts,
    crop_to_coco_counts,
    mask_to_run_lengths,
    run_lengths_to_mask,
)

Index = slice | npt.NDArray[Any] | list[int] | list[bool]
Crop = tuple[npt.NDArray[np.bool_], tuple[int, int]]  # pixels, and x and y of the first one
Ring = npt.NDArray[np.int32]  # (M, 2) x, y of pixel corners
Part = list[Ring]  # the outline, then its holes


@dataclass(frozen=True)
class InstanceMasks:
    """Binary masks that may overlap, have holes and several parts.

    Args:
        run_lengths: Lengths of the alternating runs of each mask within the smallest rectangle
            around it, row by row, the first of background and possibly 0. uint32, shape (R,).
        shapes: Height and width of these rectangles, (0, 0) if a mask is empty, shape (N, 2).
        corners: Column and row of the first pixel of each rectangle, shape (N, 2).
        size: Height and width of the image in pixels.
    """

    run_lengths: tuple[npt.NDArray[np.uint32], ...]
    shapes: npt.NDArray[np.int64]
    corners: npt.NDArray[np.int64]
    size: tuple[int, int]

    @classmethod
    def from_crops(cls, crops: Iterable[Crop], size: tuple[int, int]) -> InstanceMasks:
        """Take masks that are cropped already, by ``trim_mask`` for example.

        Args:
            crops: Smallest rectangle around each mask, and the position of its first pixel.
            size: Height and width of the image in pixels.
        """
        encoded = [(mask_to_run_lengths(crop), crop.shape, corner) for crop, corner in crops]
        return cls(
            tuple(run_lengths for run_lengths, _, _ in encoded),
            np.array([shape for _, shape, _ in encoded], dtype=np.int64).reshape(-1, 2),
            np.array([corner for _, _, corner in encoded], dtype=np.int64).reshape(-1, 2),
            size,
        )

    @classmethod
    def from_dense(
        cls, masks: Iterable[npt.NDArray[np.bool_]], size: tuple[int, int]
    ) -> InstanceMasks:
        """Take full-size masks, each of shape (H, W).

        Args:
            masks: Masks of the size of the image.
            size: Height and width of the image in pixels.
        """
        return cls.from_crops([trim_mask(mask) for mask in masks], size)

    def __len__(self) -> int:
        return len(self.run_lengths)

    @cached_property
    def crops(self) -> tuple[npt.NDArray[np.bool_], ...]:
        """The pixels of each mask within its rectangle, shape (h, w)."""
        return tuple(crop for crop, _ in self)

    def __iter__(self) -> Iterator[Crop]:
        """Decode one crop after the other, each with its corner (x, y); none is kept."""
        rectangles = zip(self.shapes.tolist(), self.corners.tolist(), strict=True)
        for runs, (shape, (x, y)) in zip(self.run_lengths, rectangles, strict=True):
            yield run_lengths_to_mask(runs, *shape), (x, y)

    def __add__(self, other: InstanceMasks) -> InstanceMasks:
        """Return the masks of both, which must be of images of one size."""
        return InstanceMasks(
            self.run_lengths + other.run_lengths,
            np.concatenate([self.shapes, other.shapes]),
            np.concatenate([self.corners, other.corners]),
            self.size,
        )

    def __getitem__(self, index: Index) -> InstanceMasks:
        """Return some of the masks, picked by a slice, indices or a boolean array."""
        picked = np.arange(len(self))[index]
        return InstanceMasks(
            tuple(self.run_lengths[position] for position in picked),
            self.shapes[picked],
            self.corners[picked],
            self.size,
        )

    def dense(self) -> npt.NDArray[np.bool_]:
        """Return full-size masks, shape (N, H, W). They take N * H * W bytes."""
        masks = np.zeros((len(self), *self.size), dtype=np.bool_)
        for mask, (crop, corner) in zip(masks, self, strict=True):
            mask[crop_window(crop, corner)] = crop
        return masks

    def dense_one_by_one(self) -> Iterator[npt.NDArray[np.bool_]]:
        """Yield each full-size mask, shape (H, W), in the same memory as the one before."""
        mask = np.zeros(self.size, dtype=np.bool_)
        for crop, corner in self:
            window = crop_window(crop, corner)
            mask[window] = crop
            yield mask
            mask[window] = False

    def union(self) -> npt.NDArray[np.bool_]:
        """Return where any of the masks is, shape (H, W)."""
        covered = np.zeros(self.size, dtype=np.bool_)
        for crop, corner in self:
            covered[crop_window(crop, corner)] |= crop
        return covered

    def boxes(self) -> npt.NDArray[np.float32]:
        """Return the smallest box around each mask, corners in pixels, shape (N, 4)."""
        ends = self.corners + self.shapes[:, ::-1]
        return np.concatenate([self.corners, ends], axis=1).astype(np.float32)

    def areas(self) -> npt.NDArray[np.int64]:
        """Return the foreground pixels of each mask, shape (N,)."""
        return np.array([runs[1::2].sum() for runs in self.run_lengths], dtype=np.int64)

    def label_image(self) -> npt.NDArray[np.uint16]:
        """Return 0 for background and 1 + index of the first mask at each pixel, shape (H, W).

        Detections come best first, so where masks overlap, the best one shows.
        """
        labels = np.zeros(self.size, dtype=np.uint16)
        for index in reversed(range(len(self))):
            x, y = self.corners[index].tolist()
            labels[crop_window(self.crops[index], (x, y))][self.crops[index]] = index + 1
        return labels

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
        return [mask_to_polygons(crop, corner) for crop, corner in self]


def trim_mask(mask: npt.NDArray[np.bool_], corner: tuple[int, int] = (0, 0)) -> Crop:
    """Cut empty rows and columns off a mask.

    Args:
        mask: Mask, shape (H, W).
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


def crop_window(crop: npt.NDArray[np.bool_], corner: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of an image that a crop covers."""
    x, y = corner
    return slice(y, y + crop.shape[0]), slice(x, x + crop.shape[1])


def mask_to_polygons(mask: npt.NDArray[np.bool_], corner: tuple[int, int] = (0, 0)) -> list[Part]:
    """Trace the outlines of a mask exactly, along the edges of its pixels.

    A pixel (x, y) covers the square from (x, y) to (x + 1, y + 1). Filling the outlines by the
    even-odd rule gives back the mask.

    Args:
        mask: Mask, shape (H, W).
        corner: Column and row of its first pixel in the image.

    Returns:
        The parts of the mask, each an outline and then its holes, as in GeoJSON's MultiPolygon.
        Pixels that touch at a corner are connected.
    """
    if not mask.any():
        return []
    # On a grid twice as fine no two outlines share a pixel, and the pixel corner nearest to a
    # contour point is the one where the outline turns.
    fine = mask.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    contours, hierarchy = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parts: dict[int, Part] = {}
    for index, (contour, (_, _, _, parent)) in enumerate(zip(contours, hierarchy[0], strict=True)):
        points = (contour[:, 0].astype(np.int32) + 1) // 2
        ring = _drop_straight(points) + np.array(corner, dtype=np.int32)
        parts.setdefault(index if parent < 0 else parent, []).append(ring)
    return list(parts.values())


def _drop_straight(points: Ring) -> Ring:
    """Drop repeated points and points on a straight line between their neighbours."""
    points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    before = points - np.roll(points, 1, axis=0)
    after = np.roll(points, -1, axis=0) - points
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    kept: Ring = points[turns]
    return kept
