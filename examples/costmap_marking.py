"""Costmap marking: the cells of the floor in which there is something of some classes.

Takes ``~/nav/class_mask`` and ``~/nav/points`` of one stamp.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image, PointCloud2

from yolact_ros.points import to_xyz


def mark(
    class_mask: Image, cloud: PointCloud2, values: Sequence[int], cell: float = 0.05
) -> npt.NDArray[np.int64]:
    """Return column and row of each cell to be marked, shape (N, 2).

    Args:
        class_mask: Class at each pixel.
        cloud: Point at each pixel, moved to the frame of the grid (``tf2_sensor_msgs`` does).
        values: Values of the mask that are obstacles.
        cell: Length of a cell's edge, metres.
    """
    classes = np.frombuffer(class_mask.data, np.uint8)
    classes = classes.reshape(class_mask.height, class_mask.width)
    points = to_xyz(cloud)[np.isin(classes, values)]
    measured = points[np.isfinite(points).all(axis=1)]
    return np.unique(np.floor(measured[:, :2] / cell).astype(np.int64), axis=0)
