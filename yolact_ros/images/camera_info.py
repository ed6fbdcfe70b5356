"""Calibrations in messages, of any client library: only their attributes are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.lifting.calibration import Calibration

Numbers = npt.NDArray[np.float64]
CameraInfo = Any  # ``sensor_msgs/msg/CameraInfo`` of any client library


def check_size(info: CameraInfo, size: tuple[int, int]) -> None:
    """Refuse a calibration for images of another size.

    Args:
        info: Camera info of the image.
        size: Height and width of the image in pixels.

    Raises:
        InputError: It is for images of another size.
    """
    height = (info.roi.height or info.height) // max(info.binning_y, 1)
    width = (info.roi.width or info.width) // max(info.binning_x, 1)
    if (height, width) != size:
        raise InputError(
            f'camera info must be for images of {size[1]} x {size[0]}, got {width} x {height}'
        )


def read_matrices(info: CameraInfo) -> tuple[Numbers, Numbers]:
    """Return K, shape (3, 3), and P, shape (3, 4), of the image: those that come are the sensor's.

    Args:
        info: Camera info of the image.
    """
    binning_y, binning_x = max(info.binning_y, 1), max(info.binning_x, 1)
    to_image = np.array(
        [
            [1 / binning_x, 0, -info.roi.x_offset / binning_x],
            [0, 1 / binning_y, -info.roi.y_offset / binning_y],
            [0, 0, 1],
        ]
    )
    camera = np.array(info.k, dtype=np.float64).reshape(3, 3)
    projection = np.array(info.p, dtype=np.float64).reshape(3, 4)
    return to_image @ camera, to_image @ projection


def to_calibration(info: CameraInfo, size: tuple[int, int]) -> Calibration:
    """Return the calibration of an image.

    What is said of binning and of a region of interest counts: K and P are of the whole sensor.

    Args:
        info: Camera info of the image.
        size: Height and width of the image in pixels.

    Raises:
        InputError: The camera is not calibrated, or for images of another size.
    """
    check_size(info, size)
    matrix, projection = read_matrices(info)
    distortion = np.array(info.d, dtype=np.float64)
    has_model = distortion.any() or info.distortion_model == 'equidistant'
    return Calibration(
        size=size,
        matrix=matrix,
        distortion=distortion if has_model else np.zeros(0),
        model=info.distortion_model if has_model else '',
        projection=projection,
    )
