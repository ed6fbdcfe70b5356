"""Points in space, in ``sensor_msgs/msg/PointCloud2``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.recfunctions import repack_fields

from yolact_ros.messages.builder import MessageBuilder
from yolact_ros.messages.factory import Message
from yolact_ros.messages.objects import to_header
from yolact_ros.messages.result import Result

COLORED = ['x', 'y', 'z', 'rgb']
DATATYPES = {'u1': 2, 'u2': 4, 'u4': 6, 'f4': 7}  # of ``sensor_msgs/msg/PointField``
POINT = np.dtype([('x', '<f4'), ('y', '<f4'), ('z', '<f4')])
OBJECT_POINT = np.dtype(  # the types that PCL has for fields of these names
    [
        ('x', '<f4'),
        ('y', '<f4'),
        ('z', '<f4'),
        ('rgb', '<f4'),  # bytes of blue, green and red, taken for a float
        ('label', '<u4'),
        ('class_id', '<u4'),
    ]
)


def make_object_points(messages: MessageBuilder, result: Result) -> Message:
    """Return the visible points of all objects, with colours, labels and classes."""
    return to_cloud(messages, _object_points(result), to_header(messages, result))


def make_points_of_each(messages: MessageBuilder, result: Result) -> list[Message]:
    """Return the visible points of each object, with colours, in the order of the objects."""
    objects, header = result.objects, to_header(messages, result)
    if objects is None:
        return []
    points = _object_points(result)
    clouds = [points[points['label'] == index + 1][COLORED] for index in objects.indices]
    return [to_cloud(messages, repack_fields(cloud), header) for cloud in clouds]


def to_cloud(messages: MessageBuilder, points: npt.NDArray[Any], header: Message) -> Message:
    """Return points as a cloud.

    Args:
        messages: Builder of messages.
        points: Structured array with the fields x, y, z and others: of shape (N,), or (H, W) for
            an organized cloud, in which a point that is unknown is NaN.
        header: Header of the message.
    """
    height, width = points.shape if points.ndim == 2 else (1, len(points))
    fields = [
        messages.make(
            'sensor_msgs/msg/PointField',
            name=name,
            offset=offset,
            datatype=DATATYPES[kind.str[1:]],
            count=1,
        )
        for name, (kind, offset, *_) in (points.dtype.fields or {}).items()
    ]
    message = messages.make(
        'sensor_msgs/msg/PointCloud2',
        header=header,
        height=height,
        width=width,
        fields=fields,
        is_bigendian=False,
        point_step=points.itemsize,
        row_step=points.itemsize * width,
        is_dense=points.ndim == 1,
    )
    messages.factory.fill(message, 'data', points)
    return message


def _object_points(result: Result) -> npt.NDArray[Any]:
    objects = result.objects
    if objects is None or not len(objects):
        return np.zeros(0, dtype=OBJECT_POINT)
    counts = [len(points) for points in objects.points]
    columns, rows = np.concatenate(objects.pixels).T
    red, green, blue = result.rgb[rows, columns].astype(np.uint32).T
    points = np.empty(sum(counts), dtype=OBJECT_POINT)
    for axis, values in zip('xyz', np.concatenate(objects.points).T, strict=True):
        points[axis] = values
    points['rgb'] = (red << 16 | green << 8 | blue).view(np.float32)
    points['label'] = np.repeat(objects.indices + 1, counts)
    points['class_id'] = np.repeat(result.detections.class_ids[objects.indices], counts)
    return points
