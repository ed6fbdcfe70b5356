"""What is left of the part with depth: a picture in the image and in space, and a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from rich.table import Table
from sensor_msgs.msg import CompressedImage, PointCloud2
from yolact.msg import InstanceArray, Object, ObjectArray

from yolact_core.media.image_files import write_image
from yolact_core.palette import Color
from yolact_core.terminal import say, say_table
from yolact_core.visualization.space import SpaceBoxes, draw_space
from yolact_core.visualization.tags import TagPlaces, paste_tag, render_tag
from yolact_ros.demo.parts import RESULTS_IN_SPACE
from yolact_ros.demo.recorder import INSTANCES, MODEL_INFO, OBJECTS, OVERLAY, POINTS
from yolact_ros.demo.recorder import TOPICS_IN_SPACE as TOPICS
from yolact_ros.demo.report import PRODUCTS_IN_SPACE, Results, arrange
from yolact_ros.images.decoding import compressed_to_rgb
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.points import to_rows, to_xyz

HEIGHT = 720  # pixels of each picture
TEXT_SIZE = 19  # pixels
SHOWN = 10  # classes in the table


class Moment(NamedTuple):
    """What was published about one image."""

    overlay: CompressedImage
    instances: InstanceArray
    objects: ObjectArray
    points: PointCloud2


def report_in_space(folder: Path) -> None:
    """Make a picture of the richest moment of the recording in a folder, and show what was found.

    Raises:
        InputError: The recording holds no answer of the node.
    """
    results = Results(folder / RESULTS_IN_SPACE, TOPICS)
    moments = find_moments(results)
    colors = np.reshape(results.of(MODEL_INFO)[-1].message.class_colors, (-1, 3)).tolist()
    richest = max(moments, key=lambda moment: len(moment.objects.objects))
    write_image(folder / 'objects.png', draw_moment(richest, [tuple(one) for one in colors]))
    _show(moments)
    for name, meaning in PRODUCTS_IN_SPACE.items():
        say(f'{folder / name}: {meaning}')


def find_moments(results: Results) -> list[Moment]:
    """Return what was published about each image of which everything has arrived."""
    by_stamp: dict[int, dict[str, object]] = defaultdict(dict)
    topics = (OVERLAY, INSTANCES, OBJECTS, POINTS)
    for topic in topics:
        for entry in results.of(topic):
            by_stamp[stamp_of(entry.message.header)][topic] = entry.message
    return [
        Moment(*(found[topic] for topic in topics))
        for _, found in sorted(by_stamp.items())
        if len(found) == len(topics)
    ]


def draw_moment(moment: Moment, colors: Sequence[Color]) -> npt.NDArray[np.uint8]:
    """Draw distances over the overlay, and points and boxes beside it.

    Args:
        moment: What was published about one image.
        colors: Colour of each class.
    """
    overlay = compressed_to_rgb(moment.overlay)
    scale = HEIGHT / overlay.shape[0]
    size = HEIGHT, round(overlay.shape[1] * scale)
    image = np.asarray(cv2.resize(overlay, size[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)
    boxes = {one.label: scale * np.array(one.box) for one in moment.instances.instances}
    places = TagPlaces(size)
    for one in moment.objects.objects:
        tag = render_tag(f'{one.class_name} {one.depth:.2f} m', TEXT_SIZE, colors[one.class_id])
        x1, y1, x2, y2 = boxes[one.label].astype(int).tolist()
        paste_tag(image, tag, *places.take((x1, y1, x2, y2), (tag.shape[0], tag.shape[1])))
    return arrange([image, _draw_cloud(moment, colors, size)])


def _draw_cloud(
    moment: Moment, colors: Sequence[Color], size: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    objects = moment.objects.objects
    boxes = SpaceBoxes(
        centres=_to_rows([one.pose.position for one in objects], 'xyz'),
        sizes=_to_rows([one.size for one in objects], 'xyz'),
        orientations=_to_rows([one.pose.orientation for one in objects], 'xyzw'),
        colors=[colors[one.class_id] for one in objects],
        texts=[one.class_name for one in objects],
    )
    floats = np.ascontiguousarray(to_rows(moment.points)['rgb']).reshape(-1)
    rgb = floats.view(np.uint8).reshape(-1, 4)[:, 2::-1]  # they are bytes of blue, green, red
    return draw_space(to_xyz(moment.points).reshape(-1, 3), rgb, boxes, size)


def _show(moments: Sequence[Moment]) -> None:
    """Show how often each class was found in space, how far away, and how large."""
    found: dict[str, list[Object]] = defaultdict(list)
    for moment in moments:
        for one in moment.objects.objects:
            found[one.class_name].append(one)
    say(f'{sum(map(len, found.values()))} objects in space in {len(moments)} images')
    table = Table('object', 'times', 'away, m', 'width x height x depth, m')
    for column in table.columns[1:3]:
        column.justify = 'right'
    for name, seen in sorted(found.items(), key=lambda item: -len(item[1]))[:SHOWN]:
        size = np.median([_size_of(one) for one in seen], axis=0)
        away = float(np.median([one.depth for one in seen]))
        table.add_row(name, str(len(seen)), f'{away:.2f}', _describe(size))
    if found:
        say_table(table)


def _size_of(one: Object) -> npt.NDArray[np.float64]:
    return np.array([one.size.x, one.size.y, one.size.z])


def _describe(size: npt.NDArray[np.float64]) -> str:
    return ' x '.join(f'{length:.2f}' for length in size)


def _to_rows(values: Sequence[object], names: str) -> npt.NDArray[np.float64]:
    """Return attributes of each value as a row, shape (N, number of names)."""
    rows = [[getattr(value, name) for name in names] for value in values]
    return np.array(rows, dtype=np.float64).reshape(-1, len(names))
