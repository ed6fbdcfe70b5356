"""Instances in messages back to detections, with their tracks, for any client library."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import Crop, InstanceMasks, trim_mask
from yolact_core.tracking import Tracks
from yolact_ros import masks
from yolact_ros.messages.factory import Message


def select_instances(message: Message, class_names: Sequence[str]) -> list[Message]:
    """Return the instances of an ``InstanceArray`` that are of some classes, best score first."""
    known = [one for one in message.instances if one.class_name in class_names]
    return sorted(known, key=lambda one: -one.score)


def to_detections(message: Message, class_names: tuple[str, ...]) -> Detections:
    """Return the instances of an ``InstanceArray``, best score first.

    Args:
        message: The ``InstanceArray``.
        class_names: Names of the classes that take part; instances of others are left out.

    Raises:
        InputError: A mask is missing, malformed, or reaches beyond the image.
    """
    size = (message.image_height, message.image_width)
    known = select_instances(message, class_names)
    scores = np.array([one.score for one in known], dtype=np.float32)
    return Detections(
        boxes=np.array([one.box for one in known], dtype=np.float32).reshape(-1, 4),
        scores=scores,
        mask_scores=scores,
        class_ids=np.array([class_names.index(one.class_name) for one in known], dtype=np.int64),
        coefficients=np.zeros((len(known), 0), dtype=np.float32),
        masks=InstanceMasks.from_crops([_decode_mask(one, size) for one in known], size),
        all_class_names=class_names,
    )


def to_tracks(message: Message, class_names: tuple[str, ...]) -> Tracks:
    """Return the tracks of an ``InstanceArray``, in the order of ``to_detections``.

    Which class a track voted for is in no message: it is that of the instance.
    """
    known = select_instances(message, class_names)
    return Tracks(
        ids=tuple(one.id for one in known),
        ages=np.array([one.track_age for one in known], np.int64),
        class_ids=np.array([class_names.index(one.class_name) for one in known], np.int64),
    )


def set_tracks(instances: Sequence[Message], tracks: Tracks) -> None:
    """Give instances of a message their tracks, which are in the same order."""
    for instance, track_id, age in zip(instances, tracks.ids, tracks.ages.tolist(), strict=True):
        instance.id, instance.track_age = track_id, age


def _decode_mask(instance: Message, size: tuple[int, int]) -> Crop:
    """Return the smallest rectangle around a mask, and its corner."""
    rows, columns = masks.window(instance.mask, size)
    return trim_mask(masks.decode(instance.mask), (columns.start, rows.start))
