"""Distances that a depth camera measured, with holes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError


@dataclass(frozen=True, eq=False)
class DepthImage:
    """A depth image as it came; only the parts that are looked at become metres.

    Depth is the distance along the optical axis, not along the ray. 0, negative values, NaN and
    infinity stand for no measurement (REP 118).

    Args:
        values: Depth of each pixel, uint16 or float32, shape (H, W).
        metres_per_unit: How many metres a value of 1 stands for: 0.001 for millimetres.

    Raises:
        InputError: Type, shape or unit is not as it must be.
    """

    values: npt.NDArray[np.uint16] | npt.NDArray[np.float32]
    metres_per_unit: float

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.dtype not in (np.uint16, np.float32):
            raise InputError(
                'depth must be uint16 or float32 of shape (height, width), got '
                f'{self.values.dtype} of shape {self.values.shape}'
            )
        if not self.metres_per_unit > 0:
            raise InputError(f'metres_per_unit must be above 0, got {self.metres_per_unit}')

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        height, width = self.values.shape
        return height, width

    def crop(
        self, x: int, y: int, height: int, width: int, step: int = 1
    ) -> npt.NDArray[np.float32]:
        """Return the depth of a rectangle of pixels in metres, NaN where there is none, (h, w).

        Args:
            x: First column.
            y: First row.
            height: Rows that the rectangle spans.
            width: Columns that the rectangle spans.
            step: Distance of the rows and columns that are taken, in pixels.
        """
        values = self.values[y : y + height : step, x : x + width : step]
        metres: npt.NDArray[np.float32] = values.astype(np.float32) * np.float32(
            self.metres_per_unit
        )
        metres[~((metres > 0) & (metres < np.inf))] = np.nan
        return metres
