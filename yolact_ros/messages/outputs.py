"""What the node publishes about each image: one table, and only what somebody listens to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from yolact.msg import InstanceArray, StageTiming

from yolact_core.detections import Detections
from yolact_core.visualization import draw_overlay, draw_prototypes
from yolact_ros.images.conversions import array_to_image, rgb_to_jpeg
from yolact_ros.messages import messages
from yolact_ros.messages.messages import MaskEncoding
from yolact_ros.node.model import Model
from yolact_ros.node.qos import PublisherEventCallbacks, policy_name, reliable
from yolact_ros.node.settings import Settings

HAS_VISION_MESSAGES = find_spec('vision_msgs') is not None


@dataclass(frozen=True)
class Result:
    """One processed image.

    Args:
        rgb: The image, shape (H, W, 3).
        header: Of its message.
        detections: Found in it.
        sequence: Number of the image among those processed since the node became active, from 1.
        settings: That it was processed with.
        model: That processed it.
        position: Of the image in the model's last batch.
    """

    rgb: npt.NDArray[np.uint8]
    header: Header
    detections: Detections
    sequence: int
    settings: Settings
    model: Model
    position: int

    @cached_property
    def overlay(self) -> npt.NDArray[np.uint8]:
        """The image with its detections drawn over it, RGB."""
        return draw_overlay(self.rgb, self.detections, self.settings.overlay, self.model.palette)

    @property
    def prototypes(self) -> npt.NDArray[np.float32]:
        """The prototypes of its masks, shape (K, Hp, Wp)."""
        return self.model.prototypes(self.position)


def make_instances(result: Result) -> InstanceArray:
    """Return the main output."""
    return messages.to_instance_array(
        result.detections,
        result.header,
        model_id=result.model.model_id,
        sequence=result.sequence,
        encoding=MaskEncoding[result.settings['mask_encoding'].upper()],
        with_coefficients=result.settings['publish_coefficients'],
    )


def make_overlay(result: Result) -> Image:
    """Return the overlay as most viewers like it."""
    bgr = np.asarray(cv2.cvtColor(result.overlay, cv2.COLOR_RGB2BGR), dtype=np.uint8)
    return array_to_image(bgr, 'bgr8', result.header)


def make_prototypes(result: Result) -> Image:
    """Return the mosaic of prototypes."""
    return array_to_image(draw_prototypes(result.prototypes, result.rgb), 'rgb8', result.header)


@dataclass(frozen=True)
class Output:
    """One topic.

    Args:
        topic: Below the node's own name and the camera's.
        type: Of its messages.
        depth: Of its queue.
        make: Makes its message.
    """

    topic: str
    type: type
    depth: int
    make: Callable[[Result], Any]


def list_outputs() -> tuple[Output, ...]:
    """Return what is published about each image, the most urgent first."""
    outputs = (
        Output('instances', InstanceArray, 5, make_instances),
        Output('label_image', Image, 1, lambda r: messages.to_label_image(r.detections, r.header)),
        Output('class_mask', Image, 1, lambda r: messages.to_class_mask(r.detections, r.header)),
        Output('confidence', Image, 1, lambda r: messages.to_confidence(r.detections, r.header)),
        Output('overlay', Image, 1, make_overlay),
        Output(
            'overlay/compressed',
            CompressedImage,
            1,
            lambda r: rgb_to_jpeg(r.overlay, r.header, r.settings['jpeg_quality']),
        ),
        Output('prototypes', Image, 1, make_prototypes),
    )
    if not HAS_VISION_MESSAGES:
        return outputs
    from vision_msgs.msg import Detection2DArray

    return (
        *outputs,
        Output(
            'detections',
            Detection2DArray,
            5,
            lambda r: messages.to_detection2d_array(r.detections, r.header),
        ),
    )


class Outputs:
    """The publishers of one camera.

    Args:
        node: That publishes.
        camera: Name of the camera; empty for the only one.
    """

    def __init__(self, node: Node, camera: str) -> None:
        self.incompatible: dict[str, str] = {}
        self._node = node
        self._prefix = f'~/{camera}/' if camera else '~/'
        self._publishers = [
            (output.make, self._create(output.type, output.topic, output.depth))
            for output in list_outputs()
        ]
        self._timing = self._create(StageTiming, 'timing', 5)
        self._label_info: Any = None

    def publish(self, result: Result) -> None:
        """Publish what is asked for about one image."""
        for make, publisher in self._publishers:
            if publisher.get_subscription_count() > 0:
                publisher.publish(make(result))

    def publish_timing(self, make: Callable[[], StageTiming]) -> None:
        """Publish where the time of one image went, if that is asked for."""
        if self._timing.get_subscription_count() > 0:
            self._timing.publish(make())

    def publish_label_info(self, model: Model, header: Header) -> None:
        """Publish the table of classes, once, for everyone who ever listens."""
        if HAS_VISION_MESSAGES:
            from vision_msgs.msg import LabelInfo

            self._label_info = self._create(LabelInfo, 'label_info', 1, latched=True)
            self._label_info.publish(messages.to_label_info(model.class_names, header))

    def destroy(self) -> None:
        """Take all topics back."""
        publishers = [publisher for _, publisher in self._publishers]
        for publisher in (*publishers, self._timing, self._label_info):
            if publisher is not None:
                self._node.destroy_publisher(publisher)

    def _create(self, kind: type, topic: str, depth: int, *, latched: bool = False) -> Any:  # noqa: ANN401 - rclpy's publishers
        def note(event: Any) -> None:  # noqa: ANN401
            self.incompatible[topic] = policy_name(event)

        return self._node.create_publisher(
            kind,
            self._prefix + topic,
            reliable(depth, latched=latched),
            event_callbacks=PublisherEventCallbacks(incompatible_qos=note),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
