"""Depth, calibration, masks and transforms of a rendered recording belong together."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from rosbags.highlevel import AnyReader

from yolact_ros.images.camera_info import to_calibration
from yolact_ros.images.depth import decompress_depth
from yolact_ros.messages.detections import to_detections, to_tracks
from yolact_ros.messages.space import Space
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.messages.types import ros2_types
from yolact_ros.node.depth.transforms import to_transform

BAG = Path(__file__).parents[1] / 'data' / 'room_path'
DEPTH, INFO, TRUTH = (
    f'/camera/{name}' for name in ('depth/compressedDepth', 'camera_info', 'truth')
)
EVERY = 10  # images
LAPTOP = '21'  # stands on a table, and is seen all the time


def read_moments():
    """Return the messages of each stamp by their topics."""
    moments = defaultdict(dict)
    with AnyReader([BAG], default_typestore=ros2_types()) as bag:
        for connection, _, data in bag.messages():
            message = bag.deserialize(data, connection.msgtype)
            message = message.transforms[0] if connection.topic == '/tf' else message
            moments[stamp_of(message.header)][connection.topic] = message
    return list(moments.values())[::EVERY]


def find_laptop(moment, *, in_the_room):
    """Return centroid and size of the laptop, and whether its box is upright."""
    depth = decompress_depth(moment[DEPTH])
    rays = to_calibration(moment[INFO], depth.size).rays(is_rectified=False)
    transform = to_transform('room', moment['/tf'].transform) if in_the_room else None
    names = tuple({one.class_name for one in moment[TRUTH].instances})
    objects = Space(depth, rays, transform).lift(to_detections(moment[TRUTH], names))
    index = to_tracks(moment[TRUTH], names).ids.index(LAPTOP)
    (place,) = (objects.indices == index).nonzero()[0]
    return objects.centroids[place], objects.sizes[place], objects.is_upright


def test_what_stands_still_stays_in_its_place_while_the_camera_moves():
    moments = read_moments()
    assert len(moments) == 15
    seen = [find_laptop(moment, in_the_room=True) for moment in moments]
    centroids, sizes = (np.array([one[part] for one in seen]) for part in (0, 1))
    assert all(is_upright for *_, is_upright in seen)
    assert centroids.std(axis=0).max() < 0.03
    assert sizes.std(axis=0).max() < 0.03
    assert 0.7 < centroids[:, 2].mean() < 0.95  # on a table
    moving = np.array([find_laptop(moment, in_the_room=False)[0] for moment in moments])
    assert moving.std(axis=0).max() > 0.1
