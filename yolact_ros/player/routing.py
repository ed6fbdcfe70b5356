"""Where the messages of each recorded topic go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from yolact_core.errors import InputError
from yolact_ros.player.outputs import ImageOutput, Output, PlainOutput
from yolact_ros.player.recording import CAMERA_INFO, COMPRESSED, Topic, sibling
from yolact_ros.player.settings import Settings

CAMERA = 'image'
DEPTH = 5  # messages that a slow subscriber may be behind
LATCHED_DEPTH = 100  # /tf_static comes in several messages
IMAGE_TYPES = {'raw': Image, 'compressed': CompressedImage}


def make_outputs(node: Node, topics: Sequence[Topic], settings: Settings) -> dict[str, Output]:
    """Make the publishers for the topics of a recording.

    The camera info of an image goes where the image goes, so that remapping the image is enough.

    Args:
        node: Whose publishers they are.
        topics: What was recorded.
        settings: How to publish it.

    Returns:
        By name of the topic. Recorded camera infos are left out where infos are made.

    Raises:
        InputError: ``as_camera`` was asked for, but there is not one topic of images.
    """
    images = [topic for topic in topics if topic.is_image]
    if settings.as_camera and len(images) != 1:
        names = ', '.join(topic.name for topic in images) or 'none'
        raise InputError(
            f'a camera must have one topic of images, choose one by --topics: {names}'
        )
    outputs: dict[str, Output] = {}
    infos: dict[str, str] = {}  # recorded name to that where it is published
    for topic in images:
        base = node.resolve_topic_name(CAMERA if settings.as_camera else topic.base_name)
        info_name = sibling(base, CAMERA_INFO)
        makes_info = settings.makes_infos and topic.info_name not in infos
        outputs[topic.name] = ImageOutput(
            _publish_image(node, topic, base, settings),
            _publish(node, CameraInfo, info_name, _camera_qos(settings)) if makes_info else None,
            settings,
        )
        infos.setdefault(topic.info_name, info_name)
    for topic in topics:
        if topic.name not in infos and not topic.is_image:
            outputs[topic.name] = PlainOutput(
                _publish(node, topic.type, topic.name, _plain_qos(topic))
            )
        elif topic.name in infos and not settings.makes_infos:
            qos = _camera_qos(settings)
            outputs[topic.name] = PlainOutput(
                _publish(node, topic.type, infos[topic.name], qos), settings.frame_id
            )
    return outputs


def _publish_image(node: Node, topic: Topic, base: str, settings: Settings) -> Publisher[Any]:
    image_type = topic.type if settings.transport is None else IMAGE_TYPES[settings.transport]
    keeps_name = settings.transport is None and not settings.as_camera
    if image_type is CompressedImage and not (keeps_name and topic.base_name == topic.name):
        base += COMPRESSED
    return _publish(node, image_type, base, _camera_qos(settings))


def _publish(node: Node, message_type: type[Any], name: str, qos: QoSProfile) -> Publisher[Any]:
    return node.create_publisher(
        message_type,
        name,
        qos,
        qos_overriding_options=QoSOverridingOptions.with_default_policies(),
    )


def _camera_qos(settings: Settings) -> QoSProfile:
    reliability = (
        ReliabilityPolicy.RELIABLE if settings.is_reliable else ReliabilityPolicy.BEST_EFFORT
    )
    return QoSProfile(depth=DEPTH, reliability=reliability)


def _plain_qos(topic: Topic) -> QoSProfile:
    if topic.is_latched:
        return QoSProfile(depth=LATCHED_DEPTH, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    return QoSProfile(depth=DEPTH)
