"""Calibrations beside the images that are published, in the same namespace and of the same stamp.

That is where ``image_transport``, ``depth_image_proc`` and others look for them.
"""

from __future__ import annotations

from yolact_ros.images.camera_info import CameraInfo, read_matrices
from yolact_ros.messages.builder import MessageBuilder
from yolact_ros.messages.factory import Message
from yolact_ros.messages.result import Result
from yolact_ros.messages.types import CAMERA_INFO

FIELDS = (
    'height',
    'width',
    'distortion_model',
    'd',
    'k',
    'r',
    'p',
    'binning_x',
    'binning_y',
    'roi',
)


def make_camera_info(messages: MessageBuilder, result: Result) -> Message | None:
    """Return the calibration of the image; None where none fits it."""
    if result.camera_info is None:
        return None
    return to_camera_info(messages, result.camera_info, result.header)


def make_nav_camera_info(messages: MessageBuilder, result: Result) -> Message | None:
    """Return the calibration of the image on the grid for costmaps."""
    info, nav = result.camera_info, result.nav
    if info is None or nav is None:
        return None
    matrix, projection = read_matrices(info)
    height, width = nav.grid.size
    return messages.make(
        CAMERA_INFO,
        header=result.header,
        height=height,
        width=width,
        distortion_model=info.distortion_model,
        d=info.d,
        k=(nav.grid.from_image @ matrix).ravel(),
        r=info.r,
        p=(nav.grid.from_image @ projection).ravel(),
    )


def to_camera_info(messages: MessageBuilder, info: CameraInfo, header: Message) -> Message:
    """Return a calibration under another header.

    Args:
        messages: Builder of messages.
        info: Calibration as it came, of the same client library.
        header: Header of the image that it goes with.
    """
    return messages.make(
        CAMERA_INFO, header=header, **{field: getattr(info, field) for field in FIELDS}
    )
