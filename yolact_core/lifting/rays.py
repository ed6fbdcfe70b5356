"""The ray of light that each pixel sees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

WORST_ERROR = 0.01  # pixels by which a ray, projected again, may miss its pixel
CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, WORST_ERROR / 10)
# OpenCV 4 has two functions, of which this one takes criteria; OpenCV 5 has one that does.
undistort = getattr(cv2, 'undistortPointsIter', cv2.undistortPoints)

Table = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rays:
    """The rays of a camera, in its optical frame: x right, y down, z forward.

    Args:
        table: x and y of each pixel's ray where z is 1, NaN where the lens shows nothing in front
            of the camera, shape (H, W, 2).
    """

    table: Table

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        height, width = self.table.shape[:2]
        return height, width

    def crop(self, x: int, y: int, height: int, width: int, step: int = 1) -> Table:
        """Return the rays of a rectangle of pixels, a view of shape (h, w, 2).

        Args:
            x: First column.
            y: First row.
            height: Rows that the rectangle spans.
            width: Columns that the rectangle spans.
            step: Distance of the rows and columns that are taken, in pixels.
        """
        return self.table[y : y + height : step, x : x + width : step]

    def beside(self, pixels: npt.NDArray[np.integer], offsets: Numbers) -> Numbers:
        """Return x and y of the rays a little beside pixel centres, shape (P, S, 2).

        Args:
            pixels: Column and row of each pixel, shape (P, 2).
            offsets: Offsets x y from each of them, in pixels, shape (S, 2).
        """
        height, width = self.size
        flat, table = pixels[:, 1] * width + pixels[:, 0], self.table.reshape(-1, 2)
        right = np.where(pixels[:, 0] < width - 1, 1, -1)
        below = np.where(pixels[:, 1] < height - 1, 1, -1)
        here = table.take(flat, axis=0)
        across = (table.take(flat + right, axis=0) - here) * right[:, None]
        down = (table.take(flat + below * width, axis=0) - here) * below[:, None]
        steps = np.stack([across, down], axis=1)  # (P, 2, 2): by a column, by a row
        return np.asarray(here[:, None] + offsets @ steps)

    def to_points(
        self, pixels: npt.NDArray[np.integer], depths: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Return points in space, x y z in metres, shape (P, 3).

        Args:
            pixels: Column and row of each point, shape (P, 2).
            depths: Distance along the optical axis, metres, shape (P,).
        """
        flat = pixels[:, 1] * self.table.shape[1] + pixels[:, 0]
        points = np.empty((len(flat), 3), dtype=np.float32)
        np.multiply(self.table.reshape(-1, 2).take(flat, axis=0), depths[:, None], points[:, :2])
        points[:, 2] = depths
        return points


def pinhole_rays(size: tuple[int, int], matrix: Numbers) -> Rays:
    """Return the rays of an image without distortion.

    Args:
        size: Height and width of the image in pixels.
        matrix: Camera matrix of the image, shape (3, 3).
    """
    height, width = size
    table = np.empty((height, width, 2), dtype=np.float32)
    table[..., 0] = (np.arange(width) - matrix[0, 2]) / matrix[0, 0]
    table[..., 1] = ((np.arange(height) - matrix[1, 2]) / matrix[1, 1])[:, None]
    return Rays(table)


def undistorted_rays(
    size: tuple[int, int], matrix: Numbers, distortion: Numbers, model: str
) -> Rays:
    """Return the rays of an image as a lens gives it.

    Args:
        size: Height and width of the image in pixels.
        matrix: Camera matrix of the image, shape (3, 3).
        distortion: Numbers of the distortion model, shape (K,).
        model: Distortion model, as in ``Calibration``.
    """
    if model != 'equidistant' and not distortion.any():
        return pinhole_rays(size, matrix)
    height, width = size
    columns_rows = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack(columns_rows, axis=-1).reshape(-1, 1, 2).astype(np.float64)
    if model == 'equidistant':
        rays = cv2.fisheye.undistortPoints(pixels, matrix, distortion, criteria=CRITERIA)
        seen = cv2.fisheye.distortPoints(rays, matrix, distortion)
    else:
        rays = undistort(pixels, matrix, distortion, criteria=CRITERIA)
        still = np.zeros(3)
        points = cv2.convertPointsToHomogeneous(rays)
        seen, _ = cv2.projectPoints(points, still, still, matrix, distortion)
    rays[np.abs(seen - pixels).max(axis=(1, 2)) > WORST_ERROR] = np.nan
    return Rays(rays.reshape(height, width, 2).astype(np.float32))
