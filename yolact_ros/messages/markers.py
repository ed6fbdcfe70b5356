"""Boxes and names of objects, for RViz and other viewers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum

from yolact_core.lifting import Objects
from yolact_core.palette import Color
from yolact_core.visualization import label_texts
from yolact_ros.messages.builder import MessageBuilder
from yolact_ros.messages.factory import Message
from yolact_ros.messages.objects import to_header, to_pose, to_size, track_ids
from yolact_ros.messages.result import Result

LIFETIME = 500_000_000  # nanoseconds for which a marker is shown
OPACITY = 0.35  # of boxes, so that the points in them are seen
TEXT_HEIGHT = 0.08  # metres
THINNEST = 0.005  # metres; viewers complain of boxes without a depth
MOST_IDS = 2**31  # as many numbers has a marker


class Shape(IntEnum):
    """Constants of ``visualization_msgs/msg/Marker``."""

    CUBE = 1
    TEXT_VIEW_FACING = 9


def make_markers(messages: MessageBuilder, result: Result) -> Message:
    """Return a box and a name for each object, which keep their ids while it keeps its track."""
    markers = list(_to_markers(messages, result, result.objects)) if result.objects else []
    return messages.make('visualization_msgs/msg/MarkerArray', markers=markers)


def _to_markers(messages: MessageBuilder, result: Result, objects: Objects) -> Iterator[Message]:
    colors, ids = result.colors, track_ids(result)
    texts = label_texts(result.detections, result.options.overlay.scores, result.tracks)
    for index, instance in enumerate(objects.indices.tolist()):
        common = {
            'header': to_header(messages, result),
            'id': int(ids[instance]) % MOST_IDS if ids[instance] else -1 - instance,
            'lifetime': messages.make('builtin_interfaces/msg/Duration', nanosec=LIFETIME),
        }
        box, text = to_pose(messages, objects, index), to_pose(messages, objects, index)
        _raise(text, objects.sizes[index].tolist(), is_upright=objects.is_upright)
        yield messages.make(
            'visualization_msgs/msg/Marker',
            **common,
            ns=f'{result.header.frame_id}/boxes',
            type=int(Shape.CUBE),
            pose=box,
            scale=to_size(messages, objects.sizes[index].clip(THINNEST).tolist()),
            color=_to_color(messages, colors[instance], OPACITY),
        )
        yield messages.make(
            'visualization_msgs/msg/Marker',
            **common,
            ns=f'{result.header.frame_id}/names',
            type=int(Shape.TEXT_VIEW_FACING),
            pose=text,
            scale=to_size(messages, (0.0, 0.0, TEXT_HEIGHT)),
            color=_to_color(messages, colors[instance], 1.0),
            text=texts[instance],
        )


def _raise(pose: Message, size: Sequence[float], *, is_upright: bool) -> None:
    """Move the pose of a box to the place above it where its name is written."""
    if is_upright:
        pose.position.z += size[2] / 2 + TEXT_HEIGHT
    else:  # in the camera's frame, y points down
        pose.position.y -= size[1] / 2 + TEXT_HEIGHT


def _to_color(messages: MessageBuilder, color: Color, opacity: float) -> Message:
    red, green, blue = (part / 255 for part in color)
    return messages.make('std_msgs/msg/ColorRGBA', r=red, g=green, b=blue, a=opacity)
