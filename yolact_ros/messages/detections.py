"""Instances in messages back to detections, for messages of any client library."""

from __future__ import annotations

import numpy as np

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import Crop, InstanceMasks, trim_mask
from yolact_ros import masks
from yolact_ros.messages.factory import Message


def to_detections(message: Message, class_names: tuple[str, ...]) -> Detections:
    """Return the instances of an ``InstanceArray``, best score first.

    Args:
        message: The ``InstanceArray``.
        class_names: Names of the classes that take part; instances of others are left out.

    Raises:
        InputError: A mask is missing, malformed, or reaches beyond the image.
    """
    size = (message.image_height, message.image_width)
    known = [one for one in message.instances if one.class_name in class_names]
    known.sort(key=lambda one: -one.score)
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


def _decode_mask(instance: Message, size: tuple[int, int]) -> Crop:
    """Return the smallest rectangle around a mask, and its corner."""
    rows, columns = masks.window(instance.mask, size)
    return trim_mask(masks.decode(instance.mask), (columns.start, rows.start))
