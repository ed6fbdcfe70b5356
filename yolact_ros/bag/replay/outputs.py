"""What the node publishes about each image, as messages for a bag: one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.palette import make_palette
from yolact_core.timing import Timing
from yolact_core.visualization import OverlayStyle, draw_overlay, draw_prototypes
from yolact_ros.bag.io.bag import NS_PER_S, Message
from yolact_ros.bag.io.types import COMPRESSED_IMAGE, IMAGE, INSTANCES, TIMING
from yolact_ros.bag.replay.frames import Frame
from yolact_ros.bag.replay.messages import make_header, make_message, to_image, to_instance_array
from yolact_ros.images.decoding import JPEG_FORMAT, encode_jpeg
from yolact_ros.masks import MaskEncoding

UNLABELLED = 255
NODE = '/yolact'
TRANSPORTS = ('compressed',)
IMAGE_NAMES = ('image', 'image_raw', 'image_color', 'image_mono', 'image_rect', 'image_rect_color')


@dataclass(frozen=True)
class Processed:
    """One image, and what the detector found in it.

    Args:
        frame: The image.
        detections: Found in it.
        sequence: Its number among those of its topic that were processed, from 1.
        detector: That found them.
        timing: Of the detector.
        encoding: Of masks.
    """

    frame: Frame
    detections: Detections
    sequence: int
    detector: Detector
    timing: Timing
    encoding: MaskEncoding = MaskEncoding.RLE

    @cached_property
    def header(self) -> Message:
        """The image's header, as ROS 2 has it."""
        return make_header(self.frame.stamp, self.frame.header.frame_id)

    @cached_property
    def labels(self) -> npt.NDArray[np.uint16]:
        """The label image."""
        return self.detections.masks.label_image()

    @cached_property
    def overlay(self) -> npt.NDArray[np.uint8]:
        """The image with its detections drawn over it, RGB."""
        palette = make_palette(len(self.detector.class_names))
        return draw_overlay(self.frame.rgb, self.detections, OverlayStyle(), palette)


@dataclass(frozen=True)
class Output:
    """One topic.

    Args:
        name: Below the node's own name and the camera's.
        type: Of its messages.
        make: Makes its message.
    """

    name: str
    type: str
    make: Callable[[Processed], Message]


def select_outputs(names: Sequence[str]) -> tuple[Output, ...]:
    """Return outputs by their names.

    Raises:
        InputError: There is none of such a name.
    """
    by_name = {output.name: output for output in OUTPUTS}
    for name in names:
        if name not in by_name:
            raise InputError(f'output must be one of {", ".join(by_name)}, got {name!r}')
    return tuple(output for output in OUTPUTS if output.name in names)


def name_cameras(topics: Sequence[str]) -> dict[str, str]:
    """Return the name below which the results of each topic of images are published.

    A single camera has none, as in the node. Several have the namespace of their images.
    """
    if len(topics) == 1:
        return {topics[0]: NODE}
    short = {topic: _without_image(topic) for topic in topics}
    is_unique = len(set(short.values())) == len(topics) and all(short.values())
    return {topic: NODE + (short[topic] if is_unique else topic) for topic in topics}


def _without_image(topic: str) -> str:
    parts = topic.split('/')
    if parts[-1] in TRANSPORTS:
        parts.pop()
    if parts[-1] in IMAGE_NAMES:
        parts.pop()
    return '/'.join(parts)


def _make_instances(one: Processed) -> Message:
    return to_instance_array(
        one.detections,
        one.header,
        model_id=one.detector.model_id,
        sequence=one.sequence,
        encoding=one.encoding,
    )


def _make_class_mask(one: Processed) -> Message:
    ids = np.minimum(one.detections.class_ids, UNLABELLED)
    return to_image(_look_up(one, ids, UNLABELLED), 'mono8', one.header)


def _make_confidence(one: Processed) -> Message:
    return to_image(_look_up(one, (one.detections.scores * 255).round(), 0), 'mono8', one.header)


def _look_up(one: Processed, values: npt.NDArray[np.generic], none: int) -> npt.NDArray[np.uint8]:
    """Return an image that shows each instance's value where it is seen."""
    return np.take(np.concatenate([[none], values]).astype(np.uint8), one.labels)


def _make_overlay(one: Processed) -> Message:
    bgr = np.asarray(cv2.cvtColor(one.overlay, cv2.COLOR_RGB2BGR), dtype=np.uint8)
    return to_image(bgr, 'bgr8', one.header)


def _make_jpeg(one: Processed) -> Message:
    data = encode_jpeg(one.overlay)
    return make_message(
        'sensor_msgs/CompressedImage', header=one.header, format=JPEG_FORMAT, data=data
    )


def _make_prototypes(one: Processed) -> Message:
    prototypes = one.detector.prototypes[0].float().cpu().numpy()
    return to_image(draw_prototypes(prototypes, one.frame.rgb), 'rgb8', one.header)


def _make_timing(one: Processed) -> Message:
    timing, decode = one.timing, one.frame.seconds
    has_stamp = one.frame.stamp > 0
    return make_message(
        'yolact/StageTiming',
        header=one.header,
        age_at_receive=(one.frame.time - one.frame.stamp) / NS_PER_S if has_stamp else np.nan,
        wait=0.0,
        decode=decode,
        preprocess=timing.preprocess,
        inference=timing.network,
        postprocess=timing.nms + timing.masks,
        encode=0.0,
        total=decode + timing.total,
        received=one.sequence,
        processed=one.sequence,
        dropped_busy=0,
        dropped_stale=0,
        unreadable=0,
        failed=0,
    )


OUTPUTS = (
    Output('instances', INSTANCES, _make_instances),
    Output('label_image', IMAGE, lambda one: to_image(one.labels, 'mono16', one.header)),
    Output('class_mask', IMAGE, _make_class_mask),
    Output('confidence', IMAGE, _make_confidence),
    Output('overlay', IMAGE, _make_overlay),
    Output('overlay/compressed', COMPRESSED_IMAGE, _make_jpeg),
    Output('prototypes', IMAGE, _make_prototypes),
    Output('timing', TIMING, _make_timing),
)
