"""What is known in space about one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.lifting import DepthImage, Objects, Rays, lift

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Transform:
    """Where the camera is in a level frame, at the time of an image.

    Args:
        frame_id: Name of the level frame, whose z points up.
        rotation: Rotation matrix from the camera's frame to that one, shape (3, 3).
        translation: Origin of the camera's frame in that one, metres, shape (3,).
    """

    frame_id: str
    rotation: Numbers
    translation: Numbers

    @property
    def up(self) -> Numbers:
        """Unit vector that points up, in the camera's frame, shape (3,)."""
        up: Numbers = self.rotation[2]
        return up


@dataclass(frozen=True, eq=False)
class Space:
    """Depth that belongs to an image.

    Args:
        depth: Depth of each pixel of the image.
        rays: Rays of its pixels.
        transform: Frame in which objects are given; None: that of the camera.
    """

    depth: DepthImage
    rays: Rays
    transform: Transform | None = None

    def lift(self, detections: Detections) -> Objects:
        """Return the objects whose depth is known, in the frame in which they are given.

        Args:
            detections: Instances of the image.

        Raises:
            InputError: Detections, depth and rays are not of one size.
        """
        if self.transform is None:
            return lift(detections, self.depth, self.rays)
        objects = lift(detections, self.depth, self.rays, up=self.transform.up)
        return objects.transform(self.transform.rotation, self.transform.translation)
