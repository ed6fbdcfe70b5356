"""Detections to messages. Every message carries the header that it is given, not copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import Header
from yolact.msg import Instance, InstanceArray, InstanceMask, ModelInfo, StageTiming

from yolact_core.config import ModelConfig
from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.palette import make_palette
from yolact_ros import masks
from yolact_ros.images.conversions import array_to_image, to_array
from yolact_ros.masks import MaskEncoding

if TYPE_CHECKING:
    from yolact_ros.health.statistics import StageTimes
    from yolact_ros.node.mailbox import Counters

__all__ = [
    'UNLABELLED',
    'MaskEncoding',
    'to_class_mask',
    'to_confidence',
    'to_detection2d_array',
    'to_instance_array',
    'to_label_image',
    'to_label_info',
    'to_model_info',
    'to_stage_timing',
]

UNLABELLED = 255  # the convention of vision_msgs for class masks of 8 bits
TYPECODES = {'rle': 'I', 'data': 'B'}  # of the fields that hold pixels


def to_instance_array(
    detections: Detections,
    header: Header,
    *,
    model_id: str,
    sequence: int,
    encoding: MaskEncoding = MaskEncoding.RLE,
    with_coefficients: bool = False,
) -> InstanceArray:
    """Return everything that was found in one image.

    Args:
        detections: Best score first.
        header: The image's.
        model_id: ``ModelInfo.model_id``.
        sequence: Number of the image since the node became active.
        encoding: Of the masks.
        with_coefficients: Also tell the weights of the prototype masks.
    """
    height, width = detections.size
    return InstanceArray(
        header=header,
        image_height=height,
        image_width=width,
        model_id=model_id,
        sequence=sequence,
        instances=list(_to_instances(detections, encoding, with_coefficients)),
    )


def to_label_image(detections: Detections, header: Header) -> Image:
    """Return a mono16 image: 0 is background, else ``Instance.label``; the best score is seen."""
    return array_to_image(detections.masks.label_image(), 'mono16', header)


def to_class_mask(detections: Detections, header: Header) -> Image:
    """Return a mono8 image of class ids, 255 where nothing is; the best score is seen.

    Classes from 255 on do not fit into 8 bits and are left out.
    """
    class_ids = np.minimum(detections.class_ids, UNLABELLED).astype(np.uint8)
    return _to_mono8(detections, class_ids, UNLABELLED, header)


def to_confidence(detections: Detections, header: Header) -> Image:
    """Return a mono8 image of scores from 0 to 255, 0 where nothing is.

    255 stands for a score of 1, as the semantic costmap layers of Nav2 expect.
    """
    confidences = (detections.scores * 255).round().astype(np.uint8)
    return _to_mono8(detections, confidences, 0, header)


def to_model_info(
    config: ModelConfig,
    header: Header,
    *,
    model_id: str,
    backend: str,
    device: str,
    precision: str,
) -> ModelInfo:
    """Return what makes the detections.

    Args:
        config: The network's.
        header: Its stamp is the time at which the model was loaded.
        model_id: ``<config>@<12 hexadecimal digits of the weights' sha256>``.
        backend: What runs the network, such as ``torch``.
        device: Such as ``cuda:0``.
        precision: Such as ``float16``.
    """
    colors = np.array(make_palette(len(config.class_names)), dtype=np.uint8)  # (C, 3)
    return ModelInfo(
        header=header,
        model_id=model_id,
        config=config.name,
        backend=backend,
        device=device,
        precision=precision,
        input_size=config.input_size,
        class_names=list(config.class_names),
        class_colors=to_array('B', colors),
    )


def to_stage_timing(header: Header, times: StageTimes, counters: Counters) -> StageTiming:
    """Return where the time of one image went, and what became of all images so far."""
    return StageTiming(header=header, **asdict(times), **asdict(counters))


def to_detection2d_array(detections: Detections, header: Header) -> Any:  # noqa: ANN401
    """Return boxes, class names and scores as ``vision_msgs/Detection2DArray``, in the same order.

    Raises:
        ImportError: vision_msgs is not installed.
    """
    from vision_msgs.msg import (
        BoundingBox2D,
        Detection2D,
        Detection2DArray,
        ObjectHypothesis,
        ObjectHypothesisWithPose,
    )

    message = Detection2DArray(header=header)
    rows = zip(
        detections.boxes.tolist(), detections.class_names, detections.scores.tolist(), strict=True
    )
    for (left, top, right, bottom), class_name, score in rows:
        box = BoundingBox2D(size_x=right - left, size_y=bottom - top)
        box.center.position.x = (left + right) / 2
        box.center.position.y = (top + bottom) / 2
        hypothesis = ObjectHypothesis(class_id=class_name, score=score)
        result = ObjectHypothesisWithPose(hypothesis=hypothesis)
        message.detections.append(Detection2D(header=header, results=[result], bbox=box))
    return message


def to_label_info(class_names: Sequence[str], header: Header) -> Any:  # noqa: ANN401
    """Return the class table that belongs to the class mask as ``vision_msgs/LabelInfo``.

    Raises:
        ImportError: vision_msgs is not installed.
    """
    from vision_msgs.msg import LabelInfo, VisionClass

    classes = [VisionClass(class_id=index, class_name=n) for index, n in enumerate(class_names)]
    return LabelInfo(header=header, class_map=classes)


def _to_instances(
    detections: Detections, encoding: MaskEncoding, with_coefficients: bool
) -> Iterable[Instance]:
    names = detections.class_names
    class_ids, scores = detections.class_ids.tolist(), detections.scores.tolist()
    coefficients = detections.coefficients[:, : None if with_coefficients else 0]
    for index, mask in enumerate(_to_masks(detections.masks, encoding)):
        yield Instance(
            label=index + 1,
            class_id=class_ids[index],
            class_name=names[index],
            score=scores[index],
            box=detections.boxes[index],
            mask=mask,
            coefficients=to_array('f', coefficients[index]),
        )


def _to_masks(found: InstanceMasks, encoding: MaskEncoding) -> Iterable[InstanceMask]:
    areas = found.areas().tolist()
    rectangles = np.concatenate([found.corners, found.shapes], axis=1).tolist()
    for index, (x, y, height, width) in enumerate(rectangles):
        roi = RegionOfInterest(x_offset=x, y_offset=y, height=height, width=width)
        fields = masks.encode(found, index, encoding)
        arrays = {name: to_array(TYPECODES[name], values) for name, values in fields.items()}
        yield InstanceMask(encoding=encoding, roi=roi, area=areas[index], **arrays)


def _to_mono8(
    detections: Detections, values: npt.NDArray[np.uint8], background: int, header: Header
) -> Image:
    """Return an image that shows each instance's value where it is seen."""
    table = np.concatenate([[background], values]).astype(np.uint8)
    return array_to_image(np.take(table, detections.masks.label_image()), 'mono8', header)
