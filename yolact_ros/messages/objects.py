"""Objects in space, in messages of this package and of ``vision_msgs``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yolact_core.lifting import Objects
from yolact_ros.messages.builder import MessageBuilder
from yolact_ros.messages.factory import Message
from yolact_ros.messages.result import Result
from yolact_ros.messages.stamps import stamp_of


def make_objects(messages: MessageBuilder, result: Result) -> Message:
    """Return all objects of an image, none where no depth belongs to it."""
    return messages.make(
        'yolact/msg/ObjectArray',
        header=to_header(messages, result),
        model_id=result.model_id,
        sequence=result.sequence,
        is_upright=result.objects is not None and result.objects.is_upright,
        objects=list(_to_objects(messages, result)),
    )


def make_detections_3d(messages: MessageBuilder, result: Result) -> Message:
    """Return the same boxes for those who know ``vision_msgs``."""
    header = to_header(messages, result)
    kind = 'vision_msgs/msg/Detection3DArray'
    found = list(_to_detections(messages, result, header))
    return messages.make(kind, header=header, detections=found)


def to_header(messages: MessageBuilder, result: Result) -> Message:
    """Return the header of what is given in space: the image's stamp, and the frame it is in."""
    if result.space is None or result.space.transform is None:
        return result.header
    return messages.to_header(stamp_of(result.header), result.space.transform.frame_id)


def to_pose(messages: MessageBuilder, objects: Objects, index: int) -> Message:
    """Return the pose of a box.

    Args:
        messages: Builder of messages.
        objects: Objects of one image.
        index: Position of the object among them.
    """
    x, y, z, w = objects.orientations[index].tolist()
    return messages.make(
        'geometry_msgs/msg/Pose',
        position=_to_point(messages, objects.centres[index].tolist()),
        orientation=messages.make('geometry_msgs/msg/Quaternion', x=x, y=y, z=z, w=w),
    )


def to_size(messages: MessageBuilder, size: Sequence[float]) -> Message:
    """Return lengths along x, y and z, metres."""
    x, y, z = size
    return messages.make('geometry_msgs/msg/Vector3', x=x, y=y, z=z)


def track_ids(result: Result) -> tuple[str, ...]:
    """Return the id of each instance's track, empty where it has none."""
    return result.tracks.ids if result.tracks else ('',) * len(result.detections)


def _to_objects(messages: MessageBuilder, result: Result) -> Iterator[Message]:
    objects, detections = result.objects, result.detections
    if objects is None:
        return
    names, ids = detections.class_names, track_ids(result)
    for index, instance in enumerate(objects.indices.tolist()):
        yield messages.make(
            'yolact/msg/Object',
            label=instance + 1,
            class_id=int(detections.class_ids[instance]),
            class_name=names[instance],
            score=float(detections.scores[instance]),
            id=ids[instance],
            valid_share=float(objects.valid_shares[index]),
            depth=float(objects.depths[index]),
            centroid=_to_point(messages, objects.centroids[index].tolist()),
            nearest=_to_point(messages, objects.nearest[index].tolist()),
            pose=to_pose(messages, objects, index),
            size=to_size(messages, objects.sizes[index].tolist()),
        )


def _to_detections(messages: MessageBuilder, result: Result, header: Message) -> Iterator[Message]:
    objects, detections = result.objects, result.detections
    if objects is None:
        return
    names, ids = detections.class_names, track_ids(result)
    for index, instance in enumerate(objects.indices.tolist()):
        pose = to_pose(messages, objects, index)
        hypothesis = messages.make(
            'vision_msgs/msg/ObjectHypothesis',
            class_id=names[instance],
            score=float(detections.scores[instance]),
        )
        found = messages.make('vision_msgs/msg/ObjectHypothesisWithPose', hypothesis=hypothesis)
        found.pose.pose = pose
        size = to_size(messages, objects.sizes[index].tolist())
        yield messages.make(
            'vision_msgs/msg/Detection3D',
            header=header,
            results=[found],
            bbox=messages.make('vision_msgs/msg/BoundingBox3D', center=pose, size=size),
            id=ids[instance],
        )


def _to_point(messages: MessageBuilder, point: Sequence[float]) -> Message:
    x, y, z = point
    return messages.make('geometry_msgs/msg/Point', x=x, y=y, z=z)
