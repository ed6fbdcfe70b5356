"""Write what ``render_path.py`` rendered as a bag of ROS 2 with its truth.

    python recipes/indoor/render_path.py --assets PACK --seed 12 --output PATH
    python recipes/indoor/render_bag.py PATH test/data/room_path

Topics: images (JPEG), camera infos, depth in millimetres (PNG, as image_transport's plugin for
compressed depth has it), the camera's pose in the room, and the truth as ``InstanceArray``. A
truth's ``id`` is the same in all images. Its score is 1, or 0 where the object is so small or so
hidden that nobody need find it.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from bag_messages import (
    CAMERA,
    RenderedFrame,
    depth_message,
    image_message,
    info_message,
    pose_message,
    truth_message,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from yolact_ros.bag.io.types import ros2_types
from yolact_ros.bag.replay.messages import make_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from yolact_ros.bag.io.bag import Message

IMAGE, INFO = '/camera/image/compressed', '/camera/camera_info'
DEPTH, TRUTH, POSE = '/camera/depth/compressedDepth', '/camera/truth', '/tf'
TYPES = {
    POSE: 'tf2_msgs/msg/TFMessage',
    INFO: 'sensor_msgs/msg/CameraInfo',
    IMAGE: 'sensor_msgs/msg/CompressedImage',
    DEPTH: 'sensor_msgs/msg/CompressedImage',
    TRUTH: 'yolact/msg/InstanceArray',
}
START = 1_700_000_000 * 10**9  # ns since 1970


class CameraPath:
    """The output folder of ``render_path.py``."""

    def __init__(self, folder: Path) -> None:
        """Read annotations and poses."""
        content = json.loads((folder / 'instances.json').read_text())
        poses = json.loads((folder / 'poses.json').read_text())
        by_image = defaultdict(list)
        for annotation in content['annotations']:
            by_image[annotation['image_id']].append(annotation)
        self.folder = folder
        self.class_names = tuple(category['name'] for category in content['categories'])
        self.intrinsics = np.array(poses['intrinsics'])
        self.frames = [
            RenderedFrame(
                name=image['file_name'],
                size=(image['height'], image['width']),
                annotations=by_image[image['id']],
                camera_to_room=np.array(pose),
            )
            for image, pose in zip(content['images'], poses['camera_to_room'], strict=True)
        ]

    def read(self, kind: str, frame: RenderedFrame) -> NDArray[Any]:
        """Return the pixels of one frame; ``kind`` is ``images`` (BGR) or ``depth`` (mm)."""
        return np.asarray(cv2.imread(str(self.folder / kind / frame.name), cv2.IMREAD_UNCHANGED))


def path_messages(path: CameraPath, rate: float) -> Iterator[tuple[str, int, Message]]:
    """Yield topic, stamp in ns and message of everything that a path shows, in order."""
    first_seen: dict[int, int] = {}
    for index, frame in enumerate(path.frames):
        stamp = START + round(index * 1e9 / rate)
        header = make_header(stamp, CAMERA)
        for annotation in frame.annotations:
            first_seen.setdefault(annotation['instance'], index)
        yield POSE, stamp, pose_message(stamp, frame.camera_to_room)
        yield INFO, stamp, info_message(header, frame.size, path.intrinsics)
        yield IMAGE, stamp, image_message(header, path.read('images', frame))
        yield DEPTH, stamp, depth_message(header, path.read('depth', frame))
        yield TRUTH, stamp, truth_message(header, frame, path.class_names, index, first_seen)


def write_bag(path: CameraPath, folder: Path, rate: float) -> None:
    """Write a camera path as a bag.

    Args:
        path: As rendered.
        folder: To make; the only file of messages in it has its name.
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


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('path', type=Path, help='output folder of render_path.py')
    parser.add_argument('bag', type=Path, help='folder to make')
    parser.add_argument('--rate', type=float, default=15.0, help='images per second')
    arguments = parser.parse_args()
    path = CameraPath(arguments.path)
    write_bag(path, arguments.bag, arguments.rate)
    credits_text = (arguments.path / 'CREDITS.md').read_text()
    (arguments.bag / 'CREDITS.md').write_text(credits_text)
    parser.exit(message=f'{len(path.frames)} images: {arguments.bag}\n')


if __name__ == '__main__':
    main()
