"""Messages of rosbags from detections, and detections from such messages.

Fields are those that ``yolact_ros.messages.messages`` fills for the node; a test compares the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import Crop, InstanceMasks, trim_mask
from yolact_core.palette import make_palette
from yolact_ros import masks
from yolact_ros.bag.io.bag import NS_PER_S, Message
from yolact_ros.bag.io.types import ros2_types
from yolact_ros.masks import MaskEncoding


def make_message(kind: str, **fields: Any) -> Message:  # noqa: ANN401 - whatever the type has
    """Make a message.

    Args:
        kind: Its type, such as ``std_msgs/Header``.
        fields: All of its fields.
    """
    package, _, name = kind.partition('/')
    return ros2_types().types[f'{package}/msg/{name}'](**fields)


def make_header(stamp: int, frame_id: str) -> Message:
    """Make a header.

    Args:
        stamp: In ns since 1970.
        frame_id: Of the coordinates.
    """
    time = make_message('builtin_interfaces/Time', sec=stamp // NS_PER_S, nanosec=stamp % NS_PER_S)
    return make_message('std_msgs/Header', stamp=time, frame_id=frame_id)


def to_instance_array(
    detections: Detections,
    header: Message,
    *,
    model_id: str,
    sequence: int,
    encoding: MaskEncoding = MaskEncoding.RLE,
) -> Message:
    """Return everything that was found in one image; see ``yolact_ros.messages.messages``."""
    height, width = detections.size
    return make_message(
        'yolact/InstanceArray',
        header=header,
        image_height=height,
        image_width=width,
        model_id=model_id,
        sequence=sequence,
        instances=[_to_instance(detections, index, encoding) for index in range(len(detections))],
    )


def to_model_info(detector: Detector, header: Message) -> Message:
    """Return what makes the detections."""
    config = detector.config
    colors = np.array(make_palette(len(config.class_names)), dtype=np.uint8)  # (C, 3)
    return make_message(
        'yolact/ModelInfo',
        header=header,
        model_id=detector.model_id,
        config=config.name,
        backend=detector.backend,
        device=str(detector.device),
        precision=detector.precision,
        input_size=config.input_size,
        class_names=list(config.class_names),
        class_colors=colors.ravel(),
    )


def to_image(
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], encoding: str, header: Message
) -> Message:
    """Make an image message.

    Args:
        pixels: Shape (H, W) or (H, W, channels).
        encoding: What they are, such as ``rgb8``.
        header: Of the message.
    """
    kind = pixels.dtype.newbyteorder('<')
    data = np.ascontiguousarray(pixels, dtype=kind)
    return make_message(
        'sensor_msgs/Image',
        header=header,
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=data.nbytes // max(pixels.shape[0], 1),
        data=data.view(np.uint8).ravel(),
    )


def to_detections(message: Message, class_names: tuple[str, ...]) -> Detections:
    """Return the instances of an ``InstanceArray``, best score first.

    Args:
        message: Of any client library.
        class_names: Those of a class that is not among them are left out.

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


def _to_instance(detections: Detections, index: int, encoding: MaskEncoding) -> Message:
    found = detections.masks
    (x, y), (height, width) = found.corners[index].tolist(), found.shapes[index].tolist()
    none: dict[str, Any] = {'rle': np.zeros(0, np.uint32), 'data': np.zeros(0, np.uint8)}
    mask = make_message(
        'yolact/InstanceMask',
        encoding=int(encoding),
        roi=make_message(
            'sensor_msgs/RegionOfInterest',
            x_offset=x,
            y_offset=y,
            height=height,
            width=width,
            do_rectify=False,
        ),
        area=int(found.run_lengths[index][1::2].sum()),
        **{**none, **masks.encode(found, index, encoding)},
    )
    class_id = int(detections.class_ids[index])
    return make_message(
        'yolact/Instance',
        label=index + 1,
        class_id=class_id,
        class_name=detections.all_class_names[class_id],
        score=float(detections.scores[index]),
        id='',
        track_age=0,
        box=detections.boxes[index],
        mask=mask,
        coefficients=np.zeros(0, np.float32),
    )


def _decode_mask(instance: Message, size: tuple[int, int]) -> Crop:
    """Return the smallest rectangle around a mask, and its corner."""
    rows, columns = masks.window(instance.mask)
    if rows.stop > size[0] or columns.stop > size[1]:
        raise InputError(
            f'mask must lie inside the image of {size[1]} x {size[0]}, '
            f'got columns up to {columns.stop} and rows up to {rows.stop}'
        )
    return trim_mask(masks.decode(instance.mask), (columns.start, rows.start))
