"""Sampling image, boxes and masks through a window in one step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.dataset.sample import Sample
from yolact_core.masks.instance_masks import Crop, InstanceMasks, trim_mask
from yolact_core.training.augmentation.window import Window

FILL = (123.68, 116.78, 103.94)  # ImageNet's mean colour, RGB, where a window leaves the image
THRESHOLD = 0.5  # of a mask that is resized

Rectangle = tuple[int, int, int, int]  # first column, first row, end column, end row
Matrix = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8] | npt.NDArray[np.float32]


@dataclass(frozen=True)
class Projection:
    """How a window of an image falls onto a square of pixels.

    Args:
        window: Window in pixels of the image.
        side: Side of the square in pixels.
        is_mirrored: Whether left and right are swapped.
        is_flipped: Whether top and bottom are swapped.
    """

    window: Window
    side: int
    is_mirrored: bool = False
    is_flipped: bool = False

    @property
    def matrix(self) -> Matrix:
        """The affine map of points, shape (2, 3); pixel (0, 0) is the square from 0 to 1."""
        x1, y1, x2, y2 = self.window
        scale_x, scale_y = self.side / (x2 - x1), self.side / (y2 - y1)
        matrix = np.array([[scale_x, 0, -x1 * scale_x], [0, scale_y, -y1 * scale_y]])
        for axis, is_reversed in enumerate((self.is_mirrored, self.is_flipped)):
            if is_reversed:
                matrix[axis] = -matrix[axis]
                matrix[axis, 2] += self.side
        return matrix

    def project(self, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map corners and clip them to the square, shape (N, 4) -> (N, 4)."""
        matrix = self.matrix
        corners = boxes.reshape(-1, 2, 2) * matrix.diagonal() + matrix[:, 2]
        corners = np.sort(corners, axis=1).clip(0, self.side)
        return corners.reshape(-1, 4).astype(np.float32)

    def pixels_within(self, x1: float, y1: float, x2: float, y2: float) -> Rectangle:
        """Return the pixels of the square whose centres show a rectangle of the image."""
        box = self.project(np.array([[x1, y1, x2, y2]], dtype=np.float32))[0].astype(np.float64)
        first_x, first_y, end_x, end_y = np.ceil(box - 0.5).astype(int).tolist()
        return first_x, first_y, end_x, end_y


def render(sample: Sample, projection: Projection) -> Sample:
    """Sample an image and its masks bilinearly, and map its boxes.

    Args:
        sample: Sample with an image of any size.
        projection: How the image falls onto a square.

    Returns:
        Sample with a float image and masks of the size of the square, and boxes clipped to it.
    """
    side = projection.side
    height, width = sample.size
    covered = projection.pixels_within(0, 0, width, height)
    first_x, first_y, end_x, end_y = covered
    image = np.empty((side, side, 3), dtype=np.float32)
    if covered != (0, 0, side, side):
        image[:] = FILL
    if first_x < end_x and first_y < end_y:
        pixels = _sample(sample.image.astype(np.float32), projection.matrix, covered)
        image[first_y:end_y, first_x:end_x] = pixels
    masks = InstanceMasks.from_crops(
        (_render_mask(crop, sample.size, projection, covered) for crop in sample.masks),
        (side, side),
    )
    return replace(sample, image=image, boxes=projection.project(sample.boxes), masks=masks)


def shrink_masks(masks: InstanceMasks, side: int) -> InstanceMasks:
    """Resize masks bilinearly to a square and binarise them above 0.5, as the loss does.

    Args:
        masks: Masks of a square image.
        side: Side of the resized masks in pixels.
    """
    resized = (
        cv2.resize(mask.astype(np.float32), (side, side)) > THRESHOLD
        for mask in masks.dense_one_by_one()
    )
    return InstanceMasks.from_dense(resized, (side, side))


def stretch_masks(masks: InstanceMasks, size: tuple[int, int]) -> InstanceMasks:
    """Resize masks to height and width by taking the nearest pixels."""
    if masks.size == size:
        return masks
    resized = (
        np.asarray(cv2.resize(mask.view(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST))
        for mask in masks.dense_one_by_one()
    )
    return InstanceMasks.from_dense((mask.view(np.bool_) for mask in resized), size)


def _render_mask(
    crop: Crop, size: tuple[int, int], projection: Projection, covered: Rectangle
) -> Crop:
    """Sample a mask around its foreground only."""
    pixels, (x, y) = crop
    height, width = pixels.shape
    left, top = min(x, 1), min(y, 1)  # a margin of background to blend with
    right, bottom = min(size[1] - x - width, 1), min(size[0] - y - height, 1)
    source = np.pad(pixels.view(np.uint8), ((top, bottom), (left, right)))
    x, y = x - left, y - top
    reached = _intersect(
        projection.pixels_within(x, y, x + source.shape[1], y + source.shape[0]), covered
    )
    first_x, first_y, end_x, end_y = reached
    if pixels.size == 0 or first_x >= end_x or first_y >= end_y:
        return np.zeros((0, 0), dtype=np.bool_), (0, 0)
    matrix = projection.matrix
    matrix[:, 2] += matrix[:, :2] @ (x, y)
    sampled = _sample(source, matrix, reached)
    return trim_mask(np.asarray(sampled, dtype=np.uint8).view(np.bool_), (first_x, first_y))


def _sample(source: Image, matrix: Matrix, rectangle: Rectangle) -> Image:
    """Return a rectangle of a square from a source whose border pixels go on outside it."""
    first_x, first_y, end_x, end_y = rectangle
    centred = matrix.copy()  # from pixel corners to the pixel centres that OpenCV counts from
    centred[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5 - (first_x, first_y)
    return cv2.warpAffine(  # type: ignore[return-value]
        source,
        centred,
        (end_x - first_x, end_y - first_y),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _intersect(one: Rectangle, other: Rectangle) -> Rectangle:
    return (
        max(one[0], other[0]),
        max(one[1], other[1]),
        min(one[2], other[2]),
        min(one[3], other[3]),
    )
