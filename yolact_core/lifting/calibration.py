"""What is known of a camera's lens and sensor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.lifting.rays import Rays, pinhole_rays, undistorted_rays
from yolact_core.records import read_yaml

Numbers = npt.NDArray[np.float64]

COUNTS = {  # how many numbers each model has; none of them stand for a lens without distortion
    '': (0,),
    'plumb_bob': (0, 4, 5),
    'rational_polynomial': (0, 8, 12, 14),
    'equidistant': (4,),
}


@dataclass(frozen=True, eq=False)
class Calibration:
    """Calibration of a camera, as in messages and files of ROS.

    Args:
        size: Height and width of the image in pixels.
        matrix: Camera matrix K of the image as the sensor gives it, shape (3, 3).
        distortion: Numbers of the distortion model, in the order of ROS and OpenCV, shape (K,).
        model: Distortion model: ``plumb_bob``, ``rational_polynomial``, ``equidistant``, or an
            empty text for a lens without distortion.
        projection: Projection matrix P of the rectified image, shape (3, 4). None: the rectified
            image has the camera matrix too.

    Raises:
        InputError: The camera is not calibrated, or a value is not as it must be.
    """

    size: tuple[int, int]
    matrix: Numbers
    distortion: Numbers
    model: str
    projection: Numbers | None = None

    def __post_init__(self) -> None:
        if min(self.size) < 2:
            raise InputError(f'height and width must be at least 2, got {self.size}')
        _require_calibrated('camera matrix', self.matrix, (3, 3))
        if self.model not in COUNTS:
            known = ', '.join(name for name in COUNTS if name)
            raise InputError(f'distortion model must be one of {known}, got {self.model!r}')
        if self.distortion.shape not in {(count,) for count in COUNTS[self.model]}:
            counts = ' or '.join(map(str, COUNTS[self.model]))
            name = self.model or 'without a model'
            raise InputError(
                f'distortion {name} must have {counts} numbers, got {self.distortion.size}'
            )
        if not np.isfinite(self.distortion).all():
            raise InputError(f'distortion must be finite, got {self.distortion.tolist()}')

    @classmethod
    def read(cls, path: Path | str) -> Calibration:
        """Read a YAML file as calibrators and camera drivers of ROS write it.

        Args:
            path: File with ``image_width``, ``image_height``, ``camera_matrix``,
                ``distortion_model``, ``distortion_coefficients`` and ``projection_matrix``.

        Raises:
            InputError: A value is missing or not as it must be.
        """
        values = read_yaml(Path(path))
        try:
            return cls(
                size=(_read_side(values, 'image_height'), _read_side(values, 'image_width')),
                matrix=_read_numbers(values, 'camera_matrix', (3, 3)),
                distortion=_read_numbers(values, 'distortion_coefficients', (-1,)),
                model=str(values.get('distortion_model', '')),
                projection=_read_numbers(values, 'projection_matrix', (3, 4)),
            )
        except InputError as error:
            raise InputError(f'{path}: {error}') from None

    def rays(self, *, is_rectified: bool) -> Rays:
        """Return the ray through each pixel. It takes up to a second: do it once for a camera.

        Args:
            is_rectified: Whether the lens's distortion is taken out of the image already. Then P
                holds, else K and the distortion.

        Raises:
            InputError: The image is rectified and P is not as it must be.
        """
        if not is_rectified:
            return undistorted_rays(self.size, self.matrix, self.distortion, self.model)
        if self.projection is None:
            return pinhole_rays(self.size, self.matrix)
        _require_calibrated('projection matrix', self.projection, (3, 4))
        return pinhole_rays(self.size, self.projection[:, :3])


def _require_calibrated(name: str, matrix: Numbers, shape: tuple[int, int]) -> None:
    if matrix.shape != shape or not np.isfinite(matrix).all():
        raise InputError(f'{name} must be finite and of shape {shape}, got {matrix.tolist()}')
    if not (matrix[0, 0] > 0 and matrix[1, 1] > 0):
        raise InputError(
            f'focal lengths in the {name} must be above 0, got {matrix[0, 0]:g} and '
            f'{matrix[1, 1]:g}: the camera is not calibrated'
        )


def _read_side(values: dict[str, Any], key: str) -> int:
    side = values.get(key)
    if not isinstance(side, int):
        raise InputError(f'{key} must be a whole number, got {side!r}')
    return side


def _read_numbers(values: dict[str, Any], key: str, shape: tuple[int, ...]) -> Numbers:
    try:
        return np.array(values[key]['data'], dtype=np.float64).reshape(shape)
    except (KeyError, TypeError, ValueError):
        count = f'{shape[0] * shape[1]} numbers' if len(shape) == 2 else 'numbers'
        raise InputError(f'{key} must hold {count} as data, got {values.get(key)!r}') from None
