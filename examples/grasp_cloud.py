"""Cut-out cloud for a grasp planner: points and box of the nearest object of a class.

Takes ``~/objects`` and ``~/objects/points`` of one stamp, or the response of ``~/get_objects``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import PointCloud2
from yolact.msg import Object, ObjectArray
from yolact.srv import GetObjects

from yolact_ros.points import to_rows, to_xyz


class Grasp(NamedTuple):
    """What a grasp planner is given: ``target`` has the box, as ``pose`` and ``size``."""

    target: Object
    points: npt.NDArray[np.float32]  # (P, 3) metres


def cut_out(objects: ObjectArray, cloud: PointCloud2, class_name: str) -> Grasp | None:
    """Return the nearest object of a class, or None where there is none."""
    found = [one for one in objects.objects if one.class_name == class_name]
    if not found:
        return None
    target = min(found, key=lambda one: one.depth)
    return Grasp(target, to_xyz(cloud)[to_rows(cloud)['label'] == target.label])


def nearest(response: GetObjects.Response) -> Grasp | None:
    """Return the nearest of the objects that the service was asked for."""
    pairs = zip(response.objects.objects, response.points, strict=True)
    grasps = [Grasp(target, to_xyz(cloud).reshape(-1, 3)) for target, cloud in pairs]
    return min(grasps, key=lambda grasp: grasp.target.depth, default=None)
