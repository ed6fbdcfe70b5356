"""A reader for those who take ``sensor_msgs/msg/PointCloud2``, of any ROS client library."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError

KINDS = ('i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'f4', 'f8')  # by PointField.datatype, from 1

Message = Any  # ``sensor_msgs/msg/PointCloud2`` of any client library


def to_rows(cloud: Message) -> npt.NDArray[np.void]:
    """Return all points with all of their fields, shape (height, width).

    ``to_rows(cloud)['label']`` has the label of each point.

    Args:
        cloud: A ``PointCloud2``.

    Raises:
        InputError: Its fields or its bytes contradict what it says of them.
    """
    order = '>' if cloud.is_bigendian else '<'
    for field in cloud.fields:
        if not 1 <= field.datatype <= len(KINDS):
            raise InputError(
                f'datatype of field {field.name!r} must be 1 to {len(KINDS)}, got {field.datatype}'
            )
    try:
        kind = np.dtype(
            {
                'names': [field.name for field in cloud.fields],
                'formats': [order + KINDS[field.datatype - 1] for field in cloud.fields],
                'offsets': [field.offset for field in cloud.fields],
                'itemsize': cloud.point_step,
            }
        )
        shape, strides = (cloud.height, cloud.width), (cloud.row_step, cloud.point_step)
        rows: npt.NDArray[np.void] = np.ndarray(shape, kind, bytes(cloud.data), strides=strides)
    except (TypeError, ValueError) as error:
        raise InputError(f'points must be {cloud.width} x {cloud.height}: {error}') from error
    return rows


def to_xyz(cloud: Message) -> npt.NDArray[np.float32]:
    """Return the coordinates of all points, shape (height, width, 3).

    Args:
        cloud: A ``PointCloud2`` with x, y and z.

    Raises:
        InputError: It has none, or its bytes contradict what it says of them.
    """
    rows = to_rows(cloud)
    names = rows.dtype.names or ()
    if not {'x', 'y', 'z'} <= set(names):
        raise InputError(f'points must have x, y and z, got {", ".join(names)}')
    return np.stack([rows['x'], rows['y'], rows['z']], axis=-1).astype(np.float32)
