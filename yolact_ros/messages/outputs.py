"""What is published about each image, by the node and into bags: one table.

A new topic is a row of ``OUTPUTS`` and a function that makes its message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np

from yolact_core.errors import InputError
from yolact_core.visualization import draw_prototypes
from yolact_ros.messages.builder import MessageBuilder
from yolact_ros.messages.camera_info import make_camera_info, make_nav_camera_info
from yolact_ros.messages.clouds import make_object_points
from yolact_ros.messages.detections import set_tracks
from yolact_ros.messages.factory import Factory, Message
from yolact_ros.messages.markers import make_markers
from yolact_ros.messages.nav.outputs import (
    make_nav_class_mask,
    make_nav_confidence,
    make_nav_points,
)
from yolact_ros.messages.objects import make_detections_3d, make_objects
from yolact_ros.messages.result import Result
from yolact_ros.messages.targets import make_target_mask, make_target_pose
from yolact_ros.messages.types import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    IMAGE,
    INSTANCES,
    MARKERS,
    OBJECTS,
    POINTS,
    POSE,
    STAGE_TIMING,
)


def make_instances(messages: MessageBuilder, result: Result) -> Message:
    """Return the main output."""
    message = messages.to_instance_array(
        result.detections,
        result.header,
        model_id=result.model_id,
        sequence=result.sequence,
        encoding=result.options.encoding,
        with_coefficients=result.options.with_coefficients,
    )
    if result.tracks:
        set_tracks(message.instances, result.tracks)
    return message


def make_label_image(messages: MessageBuilder, result: Result) -> Message:
    """Return which instance is seen at each pixel."""
    return messages.to_label_image(result.detections, result.header, result.labels)


def make_label_image8(messages: MessageBuilder, result: Result) -> Message:
    """Return which instance is seen at each pixel, those of labels up to 255."""
    labels = np.where(result.labels > 255, 0, result.labels).astype(np.uint8)
    return messages.to_image(labels, 'mono8', result.header)


def make_class_mask(messages: MessageBuilder, result: Result) -> Message:
    """Return the class at each pixel."""
    return messages.to_class_mask(result.detections, result.header, result.labels)


def make_confidence(messages: MessageBuilder, result: Result) -> Message:
    """Return how sure the class at each pixel is."""
    return messages.to_confidence(result.detections, result.header, result.labels)


def make_overlay(messages: MessageBuilder, result: Result) -> Message:
    """Return the overlay as most viewers like it."""
    bgr = np.asarray(cv2.cvtColor(result.overlay, cv2.COLOR_RGB2BGR), dtype=np.uint8)
    return messages.to_image(bgr, 'bgr8', result.header)


def make_compressed_overlay(messages: MessageBuilder, result: Result) -> Message:
    """Return the overlay as JPEG."""
    return messages.to_jpeg(result.overlay, result.header, result.options.jpeg_quality)


def make_prototypes(messages: MessageBuilder, result: Result) -> Message:
    """Return the mosaic of prototypes."""
    prototypes = result.prototypes.float().cpu().numpy()
    return messages.to_image(draw_prototypes(prototypes, result.rgb), 'rgb8', result.header)


def make_detections(messages: MessageBuilder, result: Result) -> Message:
    """Return the boxes for those who know ``vision_msgs``."""
    return messages.to_detection2d_array(result.detections, result.header)


def make_timing(messages: MessageBuilder, result: Result) -> Message:
    """Return where the time of the image went."""
    return messages.to_stage_timing(result.header, result.times, result.counters)


class Need(IntEnum):
    """What an output needs beside the image; each includes those before it."""

    IMAGE = 0
    CAMERA_INFO = 1
    DEPTH = 2


@dataclass(frozen=True)
class Output:
    """One topic.

    Args:
        topic: Name of the topic below those of the node and the camera.
        type: Full name of the type of its messages.
        depth: Depth of its queue.
        make: Function that makes its message; None: there is none for this image.
        needs: Input that it is made of.
    """

    topic: str
    type: str
    depth: int
    make: Callable[[MessageBuilder, Result], Message | None]
    needs: Need = Need.IMAGE


OUTPUTS = (  # the most urgent first
    Output('instances', INSTANCES, 5, make_instances),
    Output('label_image', IMAGE, 1, make_label_image),
    Output('label_image8', IMAGE, 1, make_label_image8),
    Output('class_mask', IMAGE, 1, make_class_mask),
    Output('confidence', IMAGE, 1, make_confidence),
    Output('camera_info', CAMERA_INFO, 1, make_camera_info, Need.CAMERA_INFO),
    Output('overlay', IMAGE, 1, make_overlay),
    Output('overlay/compressed', COMPRESSED_IMAGE, 1, make_compressed_overlay),
    Output('prototypes', IMAGE, 1, make_prototypes),
    Output('detections', 'vision_msgs/msg/Detection2DArray', 5, make_detections),
    Output('objects', OBJECTS, 5, make_objects, Need.DEPTH),
    Output('markers', MARKERS, 5, make_markers, Need.DEPTH),
    Output('objects/points', POINTS, 1, make_object_points, Need.DEPTH),
    Output('detections_3d', 'vision_msgs/msg/Detection3DArray', 5, make_detections_3d, Need.DEPTH),
    Output('nav/points', POINTS, 1, make_nav_points, Need.DEPTH),
    Output('nav/class_mask', IMAGE, 1, make_nav_class_mask, Need.DEPTH),
    Output('nav/confidence', IMAGE, 1, make_nav_confidence, Need.DEPTH),
    Output('nav/camera_info', CAMERA_INFO, 1, make_nav_camera_info, Need.DEPTH),
)
TARGET_OUTPUTS = (  # of the node alone, which is told what the target is
    Output('target/pose', POSE, 1, make_target_pose, Need.DEPTH),
    Output('target/mask', IMAGE, 1, make_target_mask),
    Output('target/camera_info', CAMERA_INFO, 1, make_camera_info, Need.CAMERA_INFO),
)
TIMING = Output('timing', STAGE_TIMING, 5, make_timing)  # when all others are published


def list_outputs(factory: Factory) -> tuple[Output, ...]:
    """Return the outputs, timing aside, whose types a client library has."""
    return tuple(output for output in OUTPUTS if factory.knows(output.type))


def select_outputs(names: Sequence[str], factory: Factory) -> tuple[Output, ...]:
    """Return outputs by the names of their topics, timing included, in the order of the table.

    Raises:
        InputError: There is none of such a name.
    """
    outputs = (*list_outputs(factory), TIMING)
    known = [output.topic for output in outputs]
    for name in names:
        if name not in known:
            raise InputError(f'output must be one of {", ".join(known)}, got {name!r}')
    return tuple(output for output in outputs if output.topic in names)
