"""What a camera sees on a small grid, for costmaps: points, classes, and how sure these are.

All three are taken from the same pixels of the image, so that they belong together value by value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.lifting.depth_image import DepthImage
from yolact_core.lifting.gate import gate
from yolact_core.lifting.rays import Rays
from yolact_core.masks.instance_masks import InstanceMasks

VALUES = 256  # of a pixel of 8 bits
WHOLE = 255  # stands for a score of 1


@dataclass(frozen=True, eq=False)
class NavGrid:
    """Pixels that lie evenly in an image, each taken as it is: nothing is mixed.

    Args:
        rows: Rows of these pixels, rising, shape (h,).
        columns: Columns of these pixels, rising, shape (w,).
        directions: What lies at a depth of 1 behind each of them, NaN where the lens shows
            nothing, float32, shape (h, w, 3).
        from_image: Matrix that leads from pixels of the image to those of the grid, (3, 3).
    """

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    directions: npt.NDArray[np.float32]
    from_image: npt.NDArray[np.float64]

    @classmethod
    def over(cls, rays: Rays, width: int) -> NavGrid:
        """Return a grid of the aspect of an image, but of no more pixels.

        Args:
            rays: Rays of all pixels of the image.
            width: Columns of the grid.
        """
        image_height, image_width = rays.size
        width = min(width, image_width)
        height = max(1, round(image_height * width / image_width))
        rows, columns = _middles(image_height, height), _middles(image_width, width)
        x_y = rays.table[rows][:, columns]
        z = 1 + 0 * x_y.sum(axis=2, keepdims=True)  # NaN where these are
        from_image = np.eye(3)
        for axis, pixels in enumerate((columns, rows)):
            step = rays.size[1 - axis] / len(pixels)
            first = (pixels - step * np.arange(len(pixels))).mean()
            from_image[axis, axis], from_image[axis, 2] = 1 / step, -first / step
        return cls(rows, columns, np.concatenate([x_y, z], axis=2), from_image)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the grid."""
        return len(self.rows), len(self.columns)

    def points(self, depth: DepthImage) -> npt.NDArray[np.float32]:
        """Return where the pixels are: metres in the optical frame, shape (h, w, 3).

        Args:
            depth: Depth of the image; where there is none, all three coordinates are NaN.
        """
        values = depth.values[self.rows][:, self.columns]
        metres = DepthImage(values, depth.metres_per_unit).crop(0, 0, *self.size)
        return self.directions * metres[..., None]

    def classes(
        self,
        detections: Detections,
        points: npt.NDArray[np.float32],
        numbers: Mapping[int, int],
        background: int,
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Return the number of the class at each pixel, and how sure it is, both of shape (h, w).

        What is seen beside an object within its mask is background: its point is not the object's.

        Args:
            detections: Instances in the image, best score first, which is seen where they overlap.
            points: Points of the same image, as from ``points``.
            numbers: Numbers of the classes that are shown, as from ``number_classes``; instances
                of others are as if they had not been found.
            background: Number of the background; its confidence is 0, and that of a score of 1 is
                255.
        """
        classes = np.full(self.size, background, dtype=np.uint8)
        confidence = np.zeros(self.size, dtype=np.uint8)
        class_ids = detections.class_ids.tolist()
        whole_scores = (detections.scores * WHOLE).round().tolist()
        for index in reversed(range(len(detections))):
            if class_ids[index] in numbers:
                window, is_own = self._find(detections.masks, index, points[..., 2])
                classes[window][is_own] = numbers[class_ids[index]]
                confidence[window][is_own] = whole_scores[index]
        return classes, confidence

    def _find(
        self, masks: InstanceMasks, index: int, depths: npt.NDArray[np.float32]
    ) -> tuple[tuple[slice, slice], npt.NDArray[np.bool_]]:
        """Return a window of the grid, and where in it an object is or nothing is measured."""
        crop, (x, y) = masks.crops[index], masks.corners[index].tolist()
        top, bottom = np.searchsorted(self.rows, (y, y + crop.shape[0]))
        left, right = np.searchsorted(self.columns, (x, x + crop.shape[1]))
        window = slice(top, bottom), slice(left, right)
        is_own = crop[self.rows[window[0]] - y][:, self.columns[window[1]] - x]
        seen = is_own & ~np.isnan(depths[window])
        is_own[seen] = gate(depths[window][seen])
        return window, is_own


def number_classes(
    class_names: Sequence[str], chosen: Sequence[str], background: int
) -> dict[int, int]:
    """Return which number stands for a class in a mask of 8 bits.

    Classes are counted as the model has them, and the number of the background is left out: with
    255 for the background each class has its own id, with 0 its id + 1. Whatever is chosen, a
    class keeps its number.

    Args:
        class_names: Name of each class that the model knows.
        chosen: Names of the classes that are shown; empty: all.
        background: Number of the background, in [0, 255].

    Returns:
        Numbers by class id. Classes whose number would be above 255 have none.
    """
    numbers = {
        class_id: class_id + (class_id >= background)
        for class_id, name in enumerate(class_names)
        if not chosen or name in chosen
    }
    return {class_id: number for class_id, number in numbers.items() if number < VALUES}


def _middles(length: int, count: int) -> npt.NDArray[np.int64]:
    """Return the pixels in the middles of equal parts of a row or column."""
    return (2 * np.arange(count) + 1) * length // (2 * count)
