"""What must hold for depth and calibration to be those of an image."""

from __future__ import annotations

import re
from typing import Any

from yolact_core.errors import InputError
from yolact_core.lifting import DepthImage, Rays
from yolact_ros.images.camera_info import CameraInfo, check_size, to_calibration

RECTIFIED = re.compile(r'(?<![a-z])rect(ified)?(?![a-z])')  # image_rect, image_rect_color

Header = Any  # ``std_msgs/msg/Header`` of any client library


def is_named_rectified(topic: str) -> bool:
    """Return whether the name of a topic of images says that they are rectified."""
    return RECTIFIED.search(topic) is not None


def check_depth(
    depth: DepthImage, header: Header, frame_id: str, size: tuple[int, int], topic: str
) -> None:
    """Refuse depth that is not registered to its image.

    Args:
        depth: The depth.
        header: Header of its message.
        frame_id: Frame of the image.
        size: Height and width of the image in pixels.
        topic: Topic of the depth.

    Raises:
        InputError: It is in another frame, or of another size.
    """
    if header.frame_id != frame_id:
        raise InputError(
            f'depth on {topic} must be registered to the image, in frame {frame_id!r}, '
            f'got frame {header.frame_id!r}'
        )
    if depth.size != size:
        raise InputError(
            f'depth on {topic} must be as large as the image, {size[1]} x {size[0]}, '
            f'got {depth.size[1]} x {depth.size[0]}'
        )


def check_calibration(info: CameraInfo, frame_id: str, size: tuple[int, int], topic: str) -> None:
    """Refuse a calibration that is not that of an image.

    Args:
        info: The calibration.
        frame_id: Frame of the image.
        size: Height and width of the image in pixels.
        topic: Topic of the calibration.

    Raises:
        InputError: It is in another frame, or for images of another size.
    """
    if info.header.frame_id not in ('', frame_id):
        raise InputError(
            f'calibration on {topic} must be that of the image, of frame {frame_id!r}, '
            f'got frame {info.header.frame_id!r}'
        )
    try:
        check_size(info, size)
    except InputError as error:
        raise InputError(f'calibration on {topic} does not fit: {error}') from None


def make_rays(info: CameraInfo, size: tuple[int, int], topic: str, *, is_rectified: bool) -> Rays:
    """Return the rays of an image's pixels. It takes up to a second.

    Args:
        info: Calibration of the image.
        size: Height and width of the image in pixels.
        topic: Topic of the calibration.
        is_rectified: Whether distortion is taken out of the image already.

    Raises:
        InputError: The camera is not calibrated.
    """
    try:
        return to_calibration(info, size).rays(is_rectified=is_rectified)
    except InputError as error:
        raise InputError(f'calibration on {topic} does not fit: {error}') from None
