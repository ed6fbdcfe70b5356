"""Write what the step ``path`` rendered as a bag of ROS 2 with its truth.

Topics: images (JPEG), camera infos, depth in millimetres (PNG, as image_transport's plugin for
compressed depth has it), the camera's pose in the room, and the truth as ``InstanceArray``. The
``id`` of an object is the same in all images. Its score is 1, or 0 where the object is so small
or so hidden that nobody need find it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from recipes.indoor.dataset.annotations import AnnotatedImage, to_detections
from recipes.indoor.dataset.path import CameraPath
from yolact_core.cli.options import argument, option
from yolact_core.terminal import say
from yolact_ros.bag.io.bag import Message
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.types import ros2_types

IMAGE, INFO = '/camera/image/compressed', '/camera/camera_info'
DEPTH, TRUTH, POSE = '/camera/depth/compressedDepth', '/camera/truth', '/tf'
TYPES = {
    POSE: 'tf2_msgs/msg/TFMessage',
    INFO: 'sensor_msgs/msg/CameraInfo',
    IMAGE: 'sensor_msgs/msg/CompressedImage',
    DEPTH: 'sensor_msgs/msg/CompressedImage',
    TRUTH: 'yolact/msg/InstanceArray',
}
ROOM, CAMERA = 'room', 'camera_optical_frame'
START = 1_700_000_000 * 10**9  # ns since 1970
JPEG_QUALITY = 80  # that of image_transport
NO_INVERSE_DEPTH = struct.pack('<iff', 0, 0.0, 0.0)  # header of the depth format
MODEL_ID = 'truth'


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``bag``."""

    path: Path = argument('output folder of the step path')
    bag: Path = argument('folder to make')
    rate: float = option('images per second', 15.0)


def run(options: Options) -> None:
    """Write the bag, and the credits beside it."""
    path = CameraPath(options.path)
    write_bag(path, options.bag, options.rate)
    credits_text = (options.path / 'CREDITS.md').read_text()
    (options.bag / 'CREDITS.md').write_text(credits_text)
    say(f'{len(path.frames)} images: {options.bag}')


def write_bag(path: CameraPath, folder: Path, rate: float) -> None:
    """Write a camera path as a bag.

    Args:
        path: The rendered camera path.
        folder: Folder to make; the only file of messages in it has its name.
        rate: Images per second.
    """
    writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=ros2_types())
            for topic, kind in TYPES.items()
        }
        for topic, stamp, message in path_messages(path, rate):
            data = ros2_types().serialize_cdr(message, TYPES[topic])
            writer.write(connections[topic], stamp, data)


def path_messages(path: CameraPath, rate: float) -> Iterator[tuple[str, int, Message]]:
    """Yield topic, stamp in ns and message of everything that a path shows, in order."""
    first_seen: dict[int, int] = {}
    for index, (frame, pose) in enumerate(zip(path.frames, path.camera_to_room, strict=True)):
        stamp = START + round(index * 1e9 / rate)
        header = bag_messages.to_header(stamp, CAMERA)
        for annotation in frame.annotations:
            first_seen.setdefault(annotation['instance'], index)
        yield POSE, stamp, pose_message(stamp, pose)
        yield INFO, stamp, info_message(header, frame.size, path.intrinsics)
        yield IMAGE, stamp, image_message(header, path.read('images', frame))
        yield DEPTH, stamp, depth_message(header, path.read('depth', frame))
        yield TRUTH, stamp, truth_message(header, frame, path.class_names, index, first_seen)


def pose_message(stamp: int, camera_to_room: NDArray[np.float64]) -> Message:
    """Make the transform from the room to the camera."""
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(camera_to_room[:3, :3]).ravel())
    w, i, j, k = quaternion.tolist()
    x, y, z = camera_to_room[:3, 3].tolist()
    transform = bag_messages.make(
        'geometry_msgs/msg/Transform',
        translation=bag_messages.make('geometry_msgs/msg/Vector3', x=x, y=y, z=z),
        rotation=bag_messages.make('geometry_msgs/msg/Quaternion', x=i, y=j, z=k, w=w),
    )
    stamped = bag_messages.make(
        'geometry_msgs/msg/TransformStamped',
        header=bag_messages.to_header(stamp, ROOM),
        child_frame_id=CAMERA,
        transform=transform,
    )
    return bag_messages.make('tf2_msgs/msg/TFMessage', transforms=[stamped])


def info_message(
    header: Message, size: tuple[int, int], intrinsics: NDArray[np.float64]
) -> Message:
    """Make the camera info of a lens without distortion.

    Args:
        header: Header of the message.
        size: Height and width of the image in pixels.
        intrinsics: Projection to pixels counted from the corner of the first one, shape (3, 3);
            messages count from its middle.
    """
    intrinsics = intrinsics - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    return bag_messages.make(
        'sensor_msgs/msg/CameraInfo',
        header=header, height=size[0], width=size[1], distortion_model='plumb_bob', d=np.zeros(5),
        k=intrinsics.ravel(), r=np.eye(3).ravel(),
        p=np.hstack([intrinsics, np.zeros((3, 1))]).ravel(),
    )  # fmt: skip


def image_message(header: Message, bgr: NDArray[np.uint8]) -> Message:
    """Make a JPEG image."""
    _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return bag_messages.make(
        'sensor_msgs/msg/CompressedImage',
        header=header, format='bgr8; jpeg compressed bgr8', data=data.ravel(),
    )  # fmt: skip


def depth_message(header: Message, millimetres: NDArray[np.uint16]) -> Message:
    """Make a depth image without loss; 0 is out of range."""
    _, data = cv2.imencode('.png', millimetres, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return bag_messages.make(
        'sensor_msgs/msg/CompressedImage',
        header=header, format='16UC1; compressedDepth png',
        data=np.frombuffer(NO_INVERSE_DEPTH + data.tobytes(), np.uint8),
    )  # fmt: skip


def truth_message(
    header: Message,
    frame: AnnotatedImage,
    class_names: tuple[str, ...],
    index: int,
    first_seen: dict[int, int],
) -> Message:
    """Make the truth of one image: first what must be found, then what need not be.

    Args:
        header: Header of the image.
        frame: The image and its annotations.
        class_names: Names of all classes, in class order.
        index: Number of the image in the path, from 0.
        first_seen: Index of the first image of each ``instance``.
    """
    annotations = sorted(frame.annotations, key=lambda annotation: annotation['iscrowd'])
    message = bag_messages.to_instance_array(
        to_detections(annotations, frame.size, class_names), header,
        model_id=MODEL_ID, sequence=index + 1,
    )  # fmt: skip
    for instance, annotation in zip(message.instances, annotations, strict=True):
        instance.id = str(annotation['instance'])
        instance.track_age = index - first_seen[annotation['instance']] + 1
    return message
