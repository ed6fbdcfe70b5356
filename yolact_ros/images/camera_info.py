"""Calibrations in messages, of any client library: only their attributes are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from yolact_core.errors import InputError
from yolact_core.lifting.calibration import Calibration

CameraInfo = Any  # ``sensor_msgs/msg/CameraInfo`` of any client library


def to_calibration(info: CameraInfo, size: tuple[int, int]) -> Calibration:
    """Return the calibration of an image.

    What is said of binning and of a region of interest counts: K and P are of the whole sensor.

    Args:
        info: Camera info of the image.
        size: Height and width of the image in pixels.

    Raises:
        InputError: The camera is not calibrated, or for images of another size.
    """
    binning_y, binning_x = max(info.binning_y, 1), max(info.binning_x, 1)
    height = (info.roi.height or info.height) // binning_y
    width = (info.roi.width or info.width) // binning_x
    if (height, width) != size:
        raise InputError(
            f'camera info must be for images of {size[1]} x {size[0]}, got {width} x {height}'
        )
    to_image = np.array(
        [
            [1 / binning_x, 0, -info.roi.x_offset / binning_x],
            [0, 1 / binning_y, -info.roi.y_offset / binning_y],
            [0, 0, 1],
        ]
    )
    distortion = np.array(info.d, dtype=np.float64)
    has_model = distortion.any() or info.distortion_model == 'equidistant'
    return Calibration(
        size=size,
        matrix=to_image @ np.array(info.k, dtype=np.float64).reshape(3, 3),
        distortion=distortion if has_model else np.zeros(0),
        model=info.distortion_model if has_model else '',
        projection=to_image @ np.array(info.p, dtype=np.float64).reshape(3, 4),
    )
