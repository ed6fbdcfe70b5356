"""SLAM input: depth without people, who move and are no part of a map.

Takes ``depth`` and ``~/instances`` of one stamp. At the camera's rate, under the newest mask there
is, the node itself publishes this as ``~/removed/depth``.
"""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import Image
from yolact.msg import InstanceArray

from yolact_core.lifting.removal import remove
from yolact_ros.messages.builder import ros_messages
from yolact_ros.messages.detections import to_detections


def remove_people(depth: Image, instances: InstanceArray, margin: int = 8) -> Image:
    """Return a depth image that is 0, which SLAM takes for not measured, where people are.

    Args:
        depth: Depth that is registered to the image of the instances, 32FC1 or 16UC1.
        instances: Instances of that image.
        margin: Pixels by which people are taken to be wider than their masks.
    """
    kind = np.dtype(np.float32 if depth.encoding == '32FC1' else np.uint16)
    rows = np.frombuffer(depth.data, kind).reshape(depth.height, depth.step // kind.itemsize)
    people = to_detections(instances, ('person',)).masks
    removed = remove(rows[:, : depth.width], people, np.full(len(people), margin))
    return ros_messages.to_image(removed, depth.encoding, depth.header)
