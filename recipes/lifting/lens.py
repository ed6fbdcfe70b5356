"""Lenses that distort what a wider rendering shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yolact_core.lifting import Calibration

SIZE = (480, 640)
MATRIX = np.array([[460.0, 0, 318.3], [0, 462, 243.7], [0, 0, 1]])
LENSES = (  # numbers of plumb_bob: a barrel and a cushion
    np.array([-0.28, 0.09, 0.0008, -0.0006, 0.0]),
    np.array([0.12, 0.02, -0.0005, 0.0008, 0.0]),
)
WIDE_SIZE, WIDE_FOCAL = (1216, 1632), 700.0  # px, of the rendering
STEPS = 60  # until a pixel has found its ray


class Lens:
    """A lens before a camera of ``SIZE`` and ``MATRIX``.

    Args:
        distortion: The five numbers of ``plumb_bob``.
    """

    def __init__(self, distortion: NDArray[np.float64]) -> None:
        self.rays = Calibration(SIZE, MATRIX, distortion, 'plumb_bob').rays(is_rectified=False)
        rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
        x = (columns - MATRIX[0, 2]) / MATRIX[0, 0]
        y = (rows - MATRIX[1, 2]) / MATRIX[1, 1]
        x, y = undistort(x, y, distortion)
        self.columns = np.floor(x * WIDE_FOCAL + WIDE_SIZE[1] / 2).astype(int)
        self.rows = np.floor(y * WIDE_FOCAL + WIDE_SIZE[0] / 2).astype(int)

    def look(
        self, depth: NDArray[np.float32], instances: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Return the point, in the optical frame, and the instance seen at each pixel.

        Args:
            depth: Depth of the rendering in metres, shape ``WIDE_SIZE``.
            instances: Instance at each of its pixels.
        """
        z = depth[self.rows, self.columns]
        x = (self.columns + 0.5 - WIDE_SIZE[1] / 2) / WIDE_FOCAL * z
        y = (self.rows + 0.5 - WIDE_SIZE[0] / 2) / WIDE_FOCAL * z
        surface = np.stack([x, y, z], axis=-1).astype(np.float32)
        return surface, instances[self.rows, self.columns]


def undistort(
    x: NDArray[np.float64], y: NDArray[np.float64], distortion: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rays by the formula of ``plumb_bob``, apart from the code that is measured.

    Args:
        x: Where rays meet the sensor, in focal lengths right of its middle.
        y: The same, below its middle.
        distortion: The five numbers of the model.
    """
    k1, k2, p1, p2, k3 = distortion.tolist()
    seen_x, seen_y = x, y
    for _ in range(STEPS):
        square = x * x + y * y
        radial = 1 + square * (k1 + square * (k2 + square * k3))
        shift_x = 2 * p1 * x * y + p2 * (square + 2 * x * x)
        shift_y = p1 * (square + 2 * y * y) + 2 * p2 * x * y
        x, y = (seen_x - shift_x) / radial, (seen_y - shift_y) / radial
    return x, y
