"""Depth that was recorded beside the images of a camera, paired as the node does."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

from yolact_core.errors import InputError
from yolact_core.lifting import Rays
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Message
from yolact_ros.bag.io.storage import ROS1
from yolact_ros.bag.replay.depth_topics import DepthTopics
from yolact_ros.bag.replay.frames import Frame
from yolact_ros.depth.registration import (
    check_calibration,
    check_depth,
    is_named_rectified,
    make_rays,
)
from yolact_ros.depth.ring import DepthRing, follows
from yolact_ros.images.depth import decompress_depth, read_depth
from yolact_ros.messages.space import Space
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.messages.types import COMPRESSED_IMAGE

# Depth that was recorded so many ns before or after an image is looked at. It is the same wherever
# reading begins, so that results do not depend on how a bag is split.
BEFORE, AFTER = NS_PER_S, NS_PER_S // 2


@dataclass(frozen=True)
class Surroundings:
    """What was recorded beside an image.

    Args:
        camera_info: Calibration; None where there is none that fits, or nobody needs it.
        space: Depth; None where there is none that fits, or nobody needs any.
        error: Why something is missing; None where nothing is.
    """

    camera_info: Message | None = None
    space: Space | None = None
    error: InputError | None = None


class RecordedDepth:
    """Finds the depth of images, which come in the order of recording.

    Args:
        bag: Bag, open for reading.
        topics: Topics beside the images.
    """

    def __init__(self, bag: Bag, topics: DepthTopics) -> None:
        self._bag = bag
        self._topics = topics
        self._entries: Iterator[Entry] | None = None
        self._next: Entry | None = None
        self._near: deque[tuple[int, Entry]] = deque()  # stamp and message, unread
        self._info: Message | None = None
        self._rays: tuple[tuple[int, int], Rays] | None = None  # of which size

    def find(self, frame: Frame) -> Surroundings:
        """Return calibration and depth that belong to an image, as far as they fit."""
        camera_info = None
        try:
            camera_info = self._find_camera_info(frame)
            return Surroundings(camera_info, self._find_space(frame))
        except InputError as error:
            return Surroundings(camera_info, error=error)

    def _find_camera_info(self, frame: Frame) -> Message:
        """Return the calibration of an image: the first one in the bag.

        Raises:
            InputError: It does not fit.
        """
        topic = self._topics.camera_info
        if self._info is None:
            entry, info = next(self._bag.messages([topic]))
            if entry.encoding == ROS1:  # which writes D, K, R and P
                info = SimpleNamespace(**{name.lower(): one for name, one in vars(info).items()})
            self._info = info
        check_calibration(self._info, frame.header.frame_id, size_of(frame), topic)
        return self._info

    def _find_space(self, frame: Frame) -> Space | None:
        """Return the depth that belongs to an image; None where nobody needs any.

        Raises:
            InputError: There is none that fits, or no calibration.
        """
        if self._topics.depth is None:
            return None
        self._move_to(frame.time, self._topics.depth)
        entry = self._fill_ring(frame.time).find(frame.stamp)
        message, frame_id = self._bag.deserialize(entry), frame.header.frame_id
        read = decompress_depth if entry.type == COMPRESSED_IMAGE else read_depth
        depth = read(message)
        check_depth(depth, message.header, frame_id, size_of(frame), self._topics.depth)
        return Space(depth, self._find_rays(frame))

    def _move_to(self, time: int, topic: str) -> None:
        """Hold what was recorded around a time."""
        if self._entries is None:
            self._entries = self._bag.entries([topic], time - BEFORE)
            self._next = next(self._entries, None)
        while self._next is not None and self._next.time <= time + AFTER:
            try:
                stamp = stamp_of(self._bag.deserialize(self._next).header)
            except InputError:  # it is none that anybody could read
                pass
            else:
                self._near.append((stamp, self._next))
            self._next = next(self._entries, None)
        while self._near and self._near[0][1].time < time - BEFORE:
            self._near.popleft()

    def _fill_ring(self, time: int) -> DepthRing[Entry]:
        """Return what was recorded around a time, but for what follows a jump after it."""
        ring: DepthRing[Entry] = DepthRing(len(self._near))
        before = None
        for stamp, entry in self._near:
            if entry.time > time and before is not None and not follows(stamp, before):
                break
            ring.add(stamp, entry)
            before = stamp
        return ring

    def _find_rays(self, frame: Frame) -> Rays:
        size, info = size_of(frame), self._find_camera_info(frame)
        if self._rays is None or self._rays[0] != size:
            is_rectified = is_named_rectified(frame.topic)
            rays = make_rays(info, size, self._topics.camera_info, is_rectified=is_rectified)
            self._rays = size, rays
        return self._rays[1]


def size_of(frame: Frame) -> tuple[int, int]:
    """Return height and width of an image in pixels."""
    height, width, _ = frame.rgb.shape
    return height, width
