"""The one object that is followed, in messages."""

from __future__ import annotations

import numpy as np

from yolact_core.masks.instance_masks import crop_window
from yolact_ros.messages.builder import MessageBuilder
from yolact_ros.messages.factory import Message
from yolact_ros.messages.objects import to_header, to_pose
from yolact_ros.messages.result import Result

FOREGROUND = 255


def make_target_pose(messages: MessageBuilder, result: Result) -> Message | None:
    """Return the pose of the target's box; None where it is not seen, or its depth not known."""
    objects = result.objects
    if objects is None or result.target is None:
        return None
    for index in np.flatnonzero(objects.indices == result.target).tolist():
        return messages.make(
            'geometry_msgs/msg/PoseStamped',
            header=to_header(messages, result),
            pose=to_pose(messages, objects, index),
        )
    return None


def make_target_mask(messages: MessageBuilder, result: Result) -> Message:
    """Return where the target is: 255, and 0 elsewhere; all 0 where it is not seen."""
    pixels = np.zeros(result.detections.size, dtype=np.uint8)
    if result.target is not None:
        for crop, corner in result.detections.masks[[result.target]]:
            pixels[crop_window(crop, corner)][crop] = FOREGROUND
    return messages.to_image(pixels, 'mono8', result.header)
