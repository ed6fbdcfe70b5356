"""Make the bag of the demo: real pictures of rooms, as a camera that looks at each for a second.

Run it from anywhere; it writes ``yolact_ros/demo/rooms/rooms.mcap``. The messages are the same
each time; only the compression is zstandard's own affair.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / 'test' / 'data' / 'real_rooms'
BAG = ROOT / 'yolact_ros' / 'demo' / 'rooms' / 'rooms.mcap'

RATE = 10  # images per second
HELD = 10  # images of the same picture
START = 1_700_000_000  # seconds since 1970
FRAME_ID = 'camera_optical_frame'
IMAGE_TOPIC, INFO_TOPIC = '/camera/image_raw/compressed', '/camera/camera_info'
IMAGE_FORMAT = 'mono8; png compressed mono8'

# Calibration of the pictures' camera as stereodemo tells it, whose top 20 rows are cropped here.
FOCAL_LENGTH = 451.0344543457031
CENTRE = (299.03839111328125, 255.16502380371094 - 20)


def main() -> None:
    """Write the bag, or leave the old one as it was."""
    types = get_typestore(Stores.ROS2_HUMBLE)
    with tempfile.TemporaryDirectory(dir=BAG.parent) as folder:
        path = Path(folder) / 'rooms'
        writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        with writer:
            write_pictures(writer, types)
        (path / 'rooms.mcap').replace(BAG)


def write_pictures(writer: Writer, types: Typestore) -> None:
    """Write each grey picture some times, and a camera info beside each."""
    image_type, info_type = 'sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/CameraInfo'
    images = writer.add_connection(IMAGE_TOPIC, image_type, typestore=types)
    infos = writer.add_connection(INFO_TOPIC, info_type, typestore=types)
    pictures = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in find_pictures()]
    for index in range(len(pictures) * HELD):
        nanoseconds = index * 1_000_000_000 // RATE
        time = types.types['builtin_interfaces/msg/Time'](
            START + nanoseconds // 10**9, nanoseconds % 10**9
        )
        header = types.types['std_msgs/msg/Header'](time, FRAME_ID)
        image = make_image(types, header, pictures[index // HELD])
        info = make_info(types, header, pictures[index // HELD].shape)
        stamp = START * 10**9 + nanoseconds
        writer.write(images, stamp, types.serialize_cdr(image, image_type))
        writer.write(infos, stamp, types.serialize_cdr(info, info_type))


def find_pictures() -> list[Path]:
    """Return the grey pictures, which are those of one camera, in the order of the annotation."""
    annotation = json.loads((PICTURES / 'instances.json').read_text())
    names = [image['file_name'] for image in annotation['images']]
    return [PICTURES / name for name in names if name.endswith('.png')]


def make_image(types: Typestore, header: object, picture: np.ndarray) -> object:
    """Return an image without loss."""
    _, data = cv2.imencode('.png', picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return types.types['sensor_msgs/msg/CompressedImage'](header, IMAGE_FORMAT, data)


def make_info(types: Typestore, header: object, size: tuple[int, int]) -> object:
    """Return the camera info of an undistorted image."""
    height, width = size
    f, (x, y) = FOCAL_LENGTH, CENTRE
    region = types.types['sensor_msgs/msg/RegionOfInterest'](0, 0, 0, 0, False)
    return types.types['sensor_msgs/msg/CameraInfo'](
        header,
        height,
        width,
        'plumb_bob',
        np.zeros(5),
        np.array([f, 0, x, 0, f, y, 0, 0, 1]),
        np.eye(3).reshape(-1),
        np.array([f, 0, x, 0, 0, f, y, 0, 0, 0, 1, 0]),
        0,
        0,
        region,
    )


if __name__ == '__main__':
    main()
