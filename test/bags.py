"""Small bags for tests, written without ROS: a scene of textured shapes, and its truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_ros.bag.io.bag import Bag
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.types import COMPRESSED_IMAGE, IMAGE, INSTANCES, ros2_types

START = 1_700_000_000_000_000_000  # ns since 1970
PERIOD = 66_666_667  # ns between images
CLASS_NAMES = ('person', 'chair', 'cup')
SIZE = (96, 128)

make_header = bag_messages.to_header

Item = tuple[str, str, int, Any]  # topic, type, time, message or bytes


def stamp_of(index: int) -> int:
    return START + index * PERIOD


def make_rgb(index: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return a colourful image that changes a little with its number."""
    noise = np.random.default_rng(7).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    rgb = cv2.resize(noise, (size[1] + 40, size[0]), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(rgb[:, index % 40 : index % 40 + size[1]])


def make_detections(
    masks: Sequence[np.ndarray],
    class_ids: Sequence[int] | None = None,
    size: tuple[int, int] = SIZE,
    names: tuple[str, ...] = CLASS_NAMES,
) -> Detections:
    """Make detections of full-size masks, with the boxes around them, best first."""
    found = InstanceMasks.from_dense(masks, size)
    ends = found.corners + found.shapes[:, ::-1]
    scores = np.linspace(0.9, 0.5, len(found), dtype=np.float32)
    ids = np.arange(len(found)) % len(names) if class_ids is None else np.array(class_ids)
    return Detections(
        boxes=np.concatenate([found.corners, ends], axis=1).astype(np.float32),
        scores=scores,
        mask_scores=scores,
        class_ids=ids.astype(np.int64),
        coefficients=np.zeros((len(found), 0), np.float32),
        masks=found,
        all_class_names=names,
    )


def image_item(index: int, rgb: np.ndarray | None = None, topic: str = '/camera/image') -> Item:
    rgb = make_rgb(index) if rgb is None else rgb
    header = make_header(stamp_of(index), 'lens')
    return topic, IMAGE, stamp_of(index) + 5, bag_messages.to_image(rgb, 'rgb8', header)


def jpeg_item(index: int, topic: str = '/far/image/compressed') -> Item:
    data = cv2.imencode('.png', make_rgb(index)[..., ::-1])[1]
    message = bag_messages.make(
        COMPRESSED_IMAGE,
        header=make_header(stamp_of(index), 'far_lens'),
        format='rgb8; png compressed bgr8',
        data=np.asarray(data, np.uint8).ravel(),
    )
    return topic, COMPRESSED_IMAGE, stamp_of(index) + 9, message


def truth_item(
    index: int, detections: Detections, topic: str = '/camera/truth', late: int = 7
) -> Item:
    message = bag_messages.to_instance_array(
        detections,
        make_header(stamp_of(index), 'lens'),
        model_id='truth',
        sequence=index + 1,
    )
    for number, instance in enumerate(message.instances):
        instance.id = f'object {number}'
    return topic, INSTANCES, stamp_of(index) + late, message


def compress(mode: str, writer: Any) -> None:
    """Let a writer compress, as one of the modes of rosbags says."""
    from rosbags.rosbag2 import CompressionFormat, CompressionMode

    writer.set_compression(CompressionMode[mode], CompressionFormat.ZSTD)


def read_messages(path: Path) -> dict[str, list[tuple[int, Any]]]:
    """Return all messages of a bag by topic, with their times."""
    with Bag(path, pytest.fail) as bag:
        found: dict[str, list[tuple[int, Any]]] = {topic.name: [] for topic in bag.topics}
        for entry in bag.entries(list(found)):
            found[entry.topic].append((entry.time, bag.deserialize(entry)))
    return found


def write_bag(
    folder: Path,
    items: Sequence[Item],
    storage: str = 'mcap',
    compress: Callable[[Any], None] | None = None,
) -> Path:
    """Write messages in the order of their times.

    Args:
        folder: Must not exist.
        items: Messages.
        storage: ``mcap`` or ``sqlite3``.
        compress: Is given the writer before it is opened.
    """
    from rosbags.rosbag2 import StoragePlugin, Writer

    types = ros2_types()
    writer = Writer(folder, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compress:
        compress(writer)
    with writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=types)
            for topic, kind in {item[0]: item[1] for item in items}.items()
        }
        for topic, kind, time, message in sorted(items, key=lambda item: item[2]):
            data = message if isinstance(message, bytes) else types.serialize_cdr(message, kind)
            writer.write(connections[topic], time, data)
    return folder


def write_mcap(path: Path, items: Sequence[Item], profile: str = 'ros2', **options: Any) -> Path:
    """Write messages in the order given, and a topic of JSON beside them, as other tools do.

    Args:
        path: The file.
        items: Messages.
        profile: Profile in the head of the file.
        options: Further options of ``mcap.writer.Writer``.
    """
    from mcap.writer import Writer

    types = ros2_types()
    with path.open('wb') as file:
        writer = Writer(file, **options)
        writer.start(profile=profile)
        schema = writer.register_schema('Thing', 'jsonschema', b'{}')
        other = writer.register_channel('/other', 'json', schema)
        channels: dict[str, int] = {}
        for topic, kind, time, message in items:
            if topic not in channels:
                text = types.generate_msgdef(kind, ros_version=2)[0].encode()
                schema = writer.register_schema(kind, 'ros2msg', text)
                channels[topic] = writer.register_channel(topic, 'cdr', schema)
            writer.add_message(channels[topic], time, types.serialize_cdr(message, kind), time)
            writer.add_message(other, time, b'{}', time)
        writer.finish()
    return path


def make_truths(model: Path, count: int) -> list[Detections]:
    """Return truth near to what the model finds, so that its precision is neither 0 nor 1."""
    from yolact_core import Detector

    detector = Detector.load(model, device='cpu', score_threshold=0.05)
    random = np.random.default_rng(0)
    found = []
    for index in range(count):
        detections = detector(make_rgb(index))
        masks = detections.masks.dense()
        masks = [np.roll(mask, random.integers(-3, 4, 2), (0, 1)) for mask in masks if mask.any()]
        kept = random.permutation(len(masks))[: len(masks) // 2]
        ids = [int(detections.class_ids[one]) for one in kept]
        found.append(make_detections([masks[one] for one in kept], ids))
    return found


def write_coco(folder: Path, truths: Sequence[Detections], key: str = 'stamp') -> Path:
    """Write the same truth as a COCO file, and the images."""
    (folder / 'images').mkdir(parents=True)
    images, annotations = [], []
    for index, one in enumerate(truths):
        name = f'{stamp_of(index)}.png' if key == 'name' else f'{index}.png'
        cv2.imwrite(str(folder / 'images' / name), make_rgb(index)[..., ::-1])
        image = {'id': index + 1, 'file_name': name, 'height': SIZE[0], 'width': SIZE[1]}
        images.append({**image, 'stamp': stamp_of(index)} if key == 'stamp' else image)
        rows = zip(one.class_ids, one.boxes, one.masks.coco_rles(), one.masks.areas(), strict=True)
        for class_id, (x1, y1, x2, y2), rle, area in rows:
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': index + 1,
                    'category_id': int(class_id) + 1,
                    'bbox': [float(x1), float(y1), float(x2 - x1), float(y2 - y1)],
                    'segmentation': rle,
                    'area': int(area),
                    'iscrowd': 0,
                }
            )
    categories = [{'id': index, 'name': name} for index, name in enumerate(CLASS_NAMES, start=1)]
    path = folder / 'truth.json'
    path.write_text(
        json.dumps({'images': images, 'annotations': annotations, 'categories': categories})
    )
    return path
