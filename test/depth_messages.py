"""Messages of a depth camera, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

SIZE = (96, 128)  # of the photo that tests publish
FOCAL = 100.0
KINDS = {'16UC1': (np.uint16, 1000), 'mono16': (np.uint16, 1000), '32FC1': (np.float32, 1)}


def set_header(message: Any, stamp: float, frame_id: str) -> Any:
    """Give a message a header and return it."""
    message.header.frame_id = frame_id
    message.header.stamp.sec = int(stamp)
    message.header.stamp.nanosec = round((stamp - int(stamp)) * 1e9)
    return message


def make_depth(
    stamp: float = 1.0,
    metres: float = 2.0,
    encoding: str = '16UC1',
    size: tuple[int, int] = SIZE,
    frame_id: str = 'camera',
) -> Any:
    """Return the depth image of a wall that the camera faces."""
    from sensor_msgs.msg import Image

    kind, units = KINDS[encoding]
    values = np.full(size, metres * units).astype(kind)
    message = Image(height=size[0], width=size[1], encoding=encoding, step=values.strides[0])
    message.data.frombytes(values.tobytes())
    return set_header(message, stamp, frame_id)


def make_camera_info(
    stamp: float = 1.0,
    size: tuple[int, int] = SIZE,
    focal: float = FOCAL,
    frame_id: str = 'camera',
) -> Any:
    """Return the calibration of a lens without distortion."""
    from sensor_msgs.msg import CameraInfo

    height, width = size
    x, y = (width - 1) / 2, (height - 1) / 2
    message = CameraInfo(height=height, width=width, distortion_model='plumb_bob', d=[0.0] * 5)
    message.k = [focal, 0.0, x, 0.0, focal, y, 0.0, 0.0, 1.0 if focal else 0.0]
    return set_header(message, stamp, frame_id)
