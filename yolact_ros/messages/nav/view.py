"""One image as costmap layers see it: points, classes and confidence on a small grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.lifting.nav_grid import NavGrid, number_classes
from yolact_ros.messages.space import Space

GRIDS = 8  # cameras whose grids are made only once

Bytes = npt.NDArray[np.uint8]

make_grid = lru_cache(maxsize=GRIDS)(NavGrid.over)


@dataclass(frozen=True)
class NavOptions:
    """What costmaps are shown.

    Args:
        width: Columns of the grid, whose aspect is that of the image.
        classes: Names of the classes that are shown; empty: all.
        background: Number of the background in the class mask, in [0, 255].
    """

    width: int = 400
    classes: tuple[str, ...] = ()
    background: int = 0


@dataclass(frozen=True, eq=False)
class NavView:
    """Points, classes and confidence, all of the same pixels.

    Args:
        space: Depth that belongs to the image.
        detections: Instances in the image.
        options: What is shown.
    """

    space: Space
    detections: Detections
    options: NavOptions

    @cached_property
    def grid(self) -> NavGrid:
        """The grid over the image."""
        return make_grid(self.space.rays, self.options.width)

    @cached_property
    def points(self) -> npt.NDArray[np.float32]:
        """Points in the optical frame of the camera, NaN where there is no depth, (h, w, 3)."""
        return self.grid.points(self.space.depth)

    @cached_property
    def classes(self) -> tuple[Bytes, Bytes]:
        """Number of the class at each pixel, and how sure it is, both of shape (h, w)."""
        chosen, background = self.options.classes, self.options.background
        numbers = number_classes(self.detections.all_class_names, chosen, background)
        return self.grid.classes(self.detections, self.points, numbers, background)
