"""Detections to messages, for ROS and for bags. Headers are not copied."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.config import ModelConfig
from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.palette import make_palette
from yolact_ros import masks
from yolact_ros.health.freshness import Counters
from yolact_ros.health.latencies import StageTimes
from yolact_ros.images.decoding import JPEG_FORMAT, encode_jpeg
from yolact_ros.masks import MaskEncoding
from yolact_ros.messages.factory import BagFactory, Factory, Message, RosFactory
from yolact_ros.messages.stamps import split_time

UNLABELLED = 255  # the convention of vision_msgs for class masks of 8 bits

Labels = npt.NDArray[np.uint16]
Pixels = npt.NDArray[np.uint8] | Labels | npt.NDArray[np.float32]


class MessageBuilder:
    """Builds the messages of this package and of those that its topics use.

    Args:
        factory: Factory that makes messages of a client library from their fields.
    """

    def __init__(self, factory: Factory) -> None:
        self.factory = factory

    def make(self, kind: str, **fields: Any) -> Message:  # noqa: ANN401 - what the type has
        """Return a message of any type.

        Args:
            kind: Full name of the type, such as ``std_msgs/msg/Header``.
            fields: Values of its fields; those that are left out are zero or empty.
        """
        return self.factory.type(kind)(**fields)

    def to_header(self, stamp: int, frame_id: str) -> Message:
        """Return a header.

        Args:
            stamp: Time in ns since 1970; what no stamp can hold becomes the nearest that one can.
            frame_id: Name of the coordinate frame.
        """
        seconds, nanoseconds = split_time(stamp)
        time = self.make('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
        return self.make('std_msgs/msg/Header', stamp=time, frame_id=frame_id)

    def to_image(self, pixels: Pixels, encoding: str, header: Message) -> Message:
        """Return an image.

        Args:
            pixels: Shape (H, W) or (H, W, channels), in the machine's byte order.
            encoding: Meaning of the pixels, such as ``rgb8``.
            header: Header of the message.
        """
        height, width = pixels.shape[:2]
        message = self.make(
            'sensor_msgs/msg/Image',
            header=header,
            height=height,
            width=width,
            encoding=encoding,
            is_bigendian=int(sys.byteorder == 'big'),
            step=pixels.nbytes // max(height, 1),
        )
        self.factory.fill(message, 'data', pixels)
        return message

    def to_jpeg(self, rgb: npt.NDArray[np.uint8], header: Message, quality: int = 80) -> Message:
        """Return a compressed image.

        Args:
            rgb: Image, shape (H, W, 3).
            header: Header of the message.
            quality: Quality of the JPEG in [1, 100].
        """
        kind = 'sensor_msgs/msg/CompressedImage'
        message = self.make(kind, header=header, format=JPEG_FORMAT)
        self.factory.fill(message, 'data', encode_jpeg(rgb, quality))
        return message

    def to_instance_array(
        self,
        detections: Detections,
        header: Message,
        *,
        model_id: str,
        sequence: int,
        encoding: MaskEncoding = MaskEncoding.RLE,
        with_coefficients: bool = False,
    ) -> Message:
        """Return everything that was found in one image.

        Args:
            detections: Instances of the image, best score first.
            header: Header of the image.
            model_id: Identity of the model, as in ``ModelInfo.model_id``.
            sequence: Number of the image since the node became active.
            encoding: Encoding of the masks.
            with_coefficients: Whether to add the weights of the prototype masks.
        """
        height, width = detections.size
        return self.make(
            'yolact/msg/InstanceArray',
            header=header,
            image_height=height,
            image_width=width,
            model_id=model_id,
            sequence=sequence,
            instances=list(self._to_instances(detections, encoding, with_coefficients)),
        )

    def to_label_image(
        self, detections: Detections, header: Message, labels: Labels | None = None
    ) -> Message:
        """Return a mono16 image of ``Instance.label``, 0 is background; the best score is seen.

        Args:
            detections: Instances of the image, best score first.
            header: Header of the image.
            labels: Label image of the detections, shape (H, W); None: drawn here.
        """
        labels = detections.masks.label_image() if labels is None else labels
        return self.to_image(labels, 'mono16', header)

    def to_class_mask(
        self, detections: Detections, header: Message, labels: Labels | None = None
    ) -> Message:
        """Return a mono8 image of class ids, 255 where nothing is; the best score is seen.

        Classes from 255 on do not fit into 8 bits and are left out. Arguments are those of
        ``to_label_image``.
        """
        class_ids = np.minimum(detections.class_ids, UNLABELLED)
        values = np.concatenate([[UNLABELLED], class_ids])
        return self._to_mono8(values, detections, header, labels)

    def to_confidence(
        self, detections: Detections, header: Message, labels: Labels | None = None
    ) -> Message:
        """Return a mono8 image of scores from 0 to 255, 0 where nothing is.

        255 stands for a score of 1, as the semantic costmap layers of Nav2 expect. Arguments are
        those of ``to_label_image``.
        """
        values = np.concatenate([[0], (detections.scores * 255).round()])
        return self._to_mono8(values, detections, header, labels)

    def to_model_info(
        self,
        config: ModelConfig,
        header: Message,
        *,
        model_id: str,
        backend: str,
        device: str,
        precision: str,
    ) -> Message:
        """Return which model makes the detections.

        Args:
            config: Configuration of the network.
            header: Header whose stamp is the time at which the model was loaded.
            model_id: ``<config>@<12 hexadecimal digits of the weights' sha256>``.
            backend: Runtime of the network, such as ``torch``.
            device: Device that the network runs on, such as ``cuda:0``.
            precision: Precision of the arithmetic, such as ``float16``.
        """
        colors = np.array(make_palette(len(config.class_names)), dtype=np.uint8)  # (C, 3)
        message = self.make(
            'yolact/msg/ModelInfo',
            header=header,
            model_id=model_id,
            config=config.name,
            backend=backend,
            device=device,
            precision=precision,
            input_size=config.input_size,
            class_names=list(config.class_names),
        )
        self.factory.fill(message, 'class_colors', colors)
        return message

    def to_stage_timing(self, header: Message, times: StageTimes, counters: Counters) -> Message:
        """Return where the time of one image went, and what became of all images so far."""
        kind = 'yolact/msg/StageTiming'
        return self.make(kind, header=header, **asdict(times), **asdict(counters))

    def to_detection2d_array(self, detections: Detections, header: Message) -> Message:
        """Return boxes, classes and scores as ``vision_msgs/Detection2DArray``, in their order.

        Raises:
            ImportError: vision_msgs is not installed.
        """
        rows = zip(
            detections.boxes.tolist(),
            detections.class_names,
            detections.scores.tolist(),
            strict=True,
        )
        found = [self._to_detection2d(*row, header) for row in rows]
        return self.make('vision_msgs/msg/Detection2DArray', header=header, detections=found)

    def to_label_info(self, class_names: Mapping[int, str], header: Message) -> Message:
        """Return what the values of a class mask mean as ``vision_msgs/LabelInfo``.

        Raises:
            ImportError: vision_msgs is not installed.
        """
        classes = [
            self.make('vision_msgs/msg/VisionClass', class_id=value, class_name=name)
            for value, name in class_names.items()
        ]
        return self.make('vision_msgs/msg/LabelInfo', header=header, class_map=classes)

    def _to_instances(
        self, detections: Detections, encoding: MaskEncoding, with_coefficients: bool
    ) -> Iterator[Message]:
        make, names = self.factory.type('yolact/msg/Instance'), detections.class_names
        class_ids, scores = detections.class_ids.tolist(), detections.scores.tolist()
        areas = detections.masks.areas().tolist()
        for index, name in enumerate(names):
            instance = make(
                label=index + 1,
                class_id=class_ids[index],
                class_name=name,
                score=scores[index],
                box=detections.boxes[index],
            )
            instance.mask.area = areas[index]
            self._fill_mask(instance.mask, detections.masks, index, encoding)
            if with_coefficients:
                self.factory.fill(instance, 'coefficients', detections.coefficients[index])
            yield instance

    def _fill_mask(
        self, message: Message, found: InstanceMasks, index: int, encoding: MaskEncoding
    ) -> None:
        """Say where a mask is and what its pixels are, in the message that an instance has."""
        message.encoding = int(encoding)
        message.roi.x_offset, message.roi.y_offset = found.corners[index].tolist()
        message.roi.height, message.roi.width = found.shapes[index].tolist()
        for field, values in masks.encode(found, index, encoding).items():
            self.factory.fill(message, field, values)

    def _to_mono8(
        self,
        values: npt.NDArray[np.generic],
        detections: Detections,
        header: Message,
        labels: Labels | None,
    ) -> Message:
        """Return an image that shows the value of each label, from 0 to 255."""
        labels = detections.masks.label_image() if labels is None else labels
        return self.to_image(np.take(values.astype(np.uint8), labels), 'mono8', header)

    def _to_detection2d(
        self, corners: Sequence[float], class_name: str, score: float, header: Message
    ) -> Message:
        left, top, right, bottom = corners
        kind = 'vision_msgs/msg/ObjectHypothesis'
        hypothesis = self.make(kind, class_id=class_name, score=score)
        result = self.make('vision_msgs/msg/ObjectHypothesisWithPose', hypothesis=hypothesis)
        box = self.make('vision_msgs/msg/BoundingBox2D', size_x=right - left, size_y=bottom - top)
        box.center.position.x = (left + right) / 2
        box.center.position.y = (top + bottom) / 2
        kind = 'vision_msgs/msg/Detection2D'
        return self.make(kind, header=header, results=[result], bbox=box)


ros_messages = MessageBuilder(RosFactory())
bag_messages = MessageBuilder(BagFactory())
