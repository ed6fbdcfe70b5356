"""Where the messages of each recorded topic go, and in which form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from yolact_core.errors import InputError
from yolact_ros.bag.io.cameras import COMPRESSED, COMPRESSED_DEPTH
from yolact_ros.images.decoding import compressed_to_rgb, image_to_rgb
from yolact_ros.messages.builder import ros_messages
from yolact_ros.player.calibration import Camera
from yolact_ros.player.options import MessageOptions, Options
from yolact_ros.player.recording import RecordedTopic, info_name

CAMERA, CAMERA_DEPTH = 'image', 'depth'
DEPTH = 5  # messages that a slow subscriber may be behind
LATCHED_DEPTH = 100  # /tf_static comes in several messages
IMAGE_TYPES = {'raw': Image, 'compressed': CompressedImage}


class Outgoing(NamedTuple):
    """A message that is ready, and the publisher that it is for."""

    publisher: Publisher[Any]
    message: Any


class Route(Protocol):
    """The way of a recorded topic's messages to their publishers."""

    @property
    def publisher(self) -> Publisher[Any]:
        """Publisher of the messages themselves."""

    def prepare(self, message: Any) -> list[Outgoing]:  # noqa: ANN401
        """Return what is to be published where; all have the header of the first."""


class PlainRoute:
    """Publishes messages as they are.

    Args:
        publisher: Publisher of these messages.
        frame_id: Frame that their headers get; None to leave it.
    """

    def __init__(self, publisher: Publisher[Any], frame_id: str | None = None) -> None:
        self.publisher = publisher
        self._frame_id = frame_id

    def prepare(self, message: Any) -> list[Outgoing]:  # noqa: ANN401
        """Return the message."""
        if self._frame_id is not None:
            message.header.frame_id = self._frame_id
        return [Outgoing(self.publisher, message)]


class ImageRoute:
    """Publishes images, and the camera infos that are made for them.

    Args:
        publisher: Publisher of the images.
        info: Publisher of camera infos; None if none are made.
        options: How to publish them.
        camera: What is said about the camera.
    """

    def __init__(
        self,
        publisher: Publisher[Any],
        info: Publisher[Any] | None,
        options: MessageOptions,
        camera: Camera,
    ) -> None:
        self.publisher = publisher
        self._info = info
        self._options = options
        self._camera = camera

    def prepare(self, message: Image | CompressedImage) -> list[Outgoing]:
        """Return the image in the form that was asked for, and its camera info.

        Raises:
            InputError: The image cannot be converted, or is not of the calibrated camera.
        """
        if self._camera.frame_id is not None:
            message.header.frame_id = self._camera.frame_id
        prepared = [Outgoing(self.publisher, self._convert(message))]
        if self._info is not None:
            calibration = self._camera.calibrate(_size_of(message))
            prepared.append(Outgoing(self._info, calibration.to_message(message.header)))
        return prepared

    def _convert(self, message: Image | CompressedImage) -> Image | CompressedImage:
        if self._options.transport == 'compressed' and isinstance(message, Image):
            rgb = image_to_rgb(message)
            return ros_messages.to_jpeg(rgb, message.header, self._options.jpeg_quality)
        if self._options.transport == 'raw' and isinstance(message, CompressedImage):
            return ros_messages.to_image(compressed_to_rgb(message), 'rgb8', message.header)
        return message


def make_routes(
    node: Node, topics: Sequence[RecordedTopic], options: Options, camera: Camera
) -> dict[str, Route]:
    """Make the publishers for the topics of a recording.

    The camera info of an image goes where the image goes, so that remapping the image is enough.

    Args:
        node: Node that publishes.
        topics: Topics that were recorded.
        options: How to publish them.
        camera: What is said about the camera.

    Returns:
        Routes by name of the topic. Recorded camera infos are left out where infos are made.

    Raises:
        InputError: ``as_camera`` was asked for, but there is not one topic of images.
    """
    images = [topic for topic in topics if topic.is_image and not _is_depth(topic)]
    if options.bags.as_camera and len(images) != 1:
        names = ', '.join(topic.name for topic in images) or 'none'
        raise InputError(
            f'a camera must have one topic of images, choose one by --topics: {names}'
        )
    camera_qos = _camera_qos(options.messages)
    routes: dict[str, Route] = {}
    infos: dict[str, str] = {}  # recorded name to that where it is published
    for topic in images:
        base = node.resolve_topic_name(CAMERA if options.bags.as_camera else topic.base_name)
        makes_info = camera.makes_infos and topic.info_name not in infos
        routes[topic.name] = ImageRoute(
            _publish(node, *_choose_form(topic, base, options), camera_qos),
            _publish(node, CameraInfo, info_name(base), camera_qos) if makes_info else None,
            options.messages,
            camera,
        )
        infos.setdefault(topic.info_name, info_name(base))
    for topic in topics:
        if _is_depth(topic):
            routes[topic.name] = _route_depth(node, topic, options, camera)
        elif topic.name not in infos and not topic.is_image:
            publisher = _publish(node, topic.type, topic.name, _plain_qos(topic))
            routes[topic.name] = PlainRoute(publisher)
        elif topic.name in infos and not camera.makes_infos:
            qos = _plain_qos(topic) if topic.is_latched else camera_qos
            publisher = _publish(node, topic.type, infos[topic.name], qos)
            routes[topic.name] = PlainRoute(publisher, camera.frame_id)
    return routes


def _is_depth(topic: RecordedTopic) -> bool:
    return topic.is_image and topic.name.endswith(f'/{COMPRESSED_DEPTH}')


def _route_depth(node: Node, topic: RecordedTopic, options: Options, camera: Camera) -> ImageRoute:
    """Make the publisher of depth, which stays as it was recorded."""
    base = node.resolve_topic_name(CAMERA_DEPTH if options.bags.as_camera else topic.base_name)
    name = f'{base}/{COMPRESSED_DEPTH}'
    publisher = _publish(node, topic.type, name, _camera_qos(options.messages))
    return ImageRoute(publisher, None, replace(options.messages, transport=None), camera)


def _choose_form(topic: RecordedTopic, base: str, options: Options) -> tuple[type[Any], str]:
    """Return the type as which images are published, and the name of their topic."""
    transport = options.messages.transport
    kind = topic.type if transport is None else IMAGE_TYPES[transport]
    keeps_name = transport is None and not options.bags.as_camera
    if kind is CompressedImage and not (keeps_name and topic.base_name == topic.name):
        return kind, base + COMPRESSED
    return kind, base


def _publish(node: Node, kind: type[Any], name: str, qos: QoSProfile) -> Publisher[Any]:
    return node.create_publisher(
        kind,
        name,
        qos,
        qos_overriding_options=QoSOverridingOptions.with_default_policies(),
    )


def _camera_qos(options: MessageOptions) -> QoSProfile:
    is_reliable = options.qos == 'reliable'
    return QoSProfile(
        depth=DEPTH,
        reliability=ReliabilityPolicy.RELIABLE if is_reliable else ReliabilityPolicy.BEST_EFFORT,
    )


def _plain_qos(topic: RecordedTopic) -> QoSProfile:
    if topic.is_latched:
        return QoSProfile(depth=LATCHED_DEPTH, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    return QoSProfile(depth=DEPTH)


def _size_of(message: Image | CompressedImage) -> tuple[int, int]:
    if isinstance(message, Image):
        return message.height, message.width
    height, width, _ = compressed_to_rgb(message).shape
    return height, width
