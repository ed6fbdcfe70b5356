"""Objects in space, as far as they are visible."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from yolact_core.lifting.orientations import rotate_quaternions

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Objects:
    """The visible surfaces of instances whose depth is known, in metres.

    They are given in the optical frame of the camera: x right, y down, z forward. ``transform``
    gives them in another.

    Args:
        indices: Which detection each object is, int64, shape (K,).
        depths: Distance along the optical axis of the camera, the median, shape (K,).
        valid_shares: Share of the mask, rims aside, at which the depth is measured and belongs
            to the object, in (0, 1], shape (K,).
        centroids: Mean over the visible pixels, so that parts nearby, which more pixels see, count
            more, shape (K, 3).
        nearest: Visible point that is nearest to the camera, outliers aside, shape (K, 3).
        centres: Centre of the box around the visible surface, shape (K, 3).
        sizes: Full lengths of the edges of each box along its own axes, shape (K, 3).
        orientations: Unit quaternion x y z w of each box, shape (K, 4).
        points: Points of each object, evenly over its mask, float32, shape (P, 3).
        pixels: Column and row of each of these points in the image, int32, shape (P, 2).
        is_upright: Whether z of the boxes points up, because it is known where that is.
    """

    indices: npt.NDArray[np.int64]
    depths: Numbers
    valid_shares: Numbers
    centroids: Numbers
    nearest: Numbers
    centres: Numbers
    sizes: Numbers
    orientations: Numbers
    points: tuple[npt.NDArray[np.float32], ...]
    pixels: tuple[npt.NDArray[np.int32], ...]
    is_upright: bool

    def __len__(self) -> int:
        return len(self.indices)

    def transform(self, rotation: Numbers, translation: Numbers) -> Objects:
        """Return the objects in another frame. Sizes and depths are the same in all frames.

        Args:
            rotation: Rotation matrix from the frame of now to the other, shape (3, 3).
            translation: Origin of the frame of now in the other, metres, shape (3,).
        """
        turn, shift = rotation.T.astype(np.float32), translation.astype(np.float32)
        return replace(
            self,
            centroids=self.centroids @ rotation.T + translation,
            nearest=self.nearest @ rotation.T + translation,
            centres=self.centres @ rotation.T + translation,
            orientations=rotate_quaternions(rotation, self.orientations),
            points=tuple(points @ turn + shift for points in self.points),
        )
