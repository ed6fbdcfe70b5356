"""Depth that was recorded beside the images of a camera, paired as the node does."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace

from yolact_core.errors import InputError
from yolact_core.lifting import Rays
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry
from yolact_ros.bag.io.storage import ROS1
from yolact_ros.bag.replay.depth_topics import DepthTopics
from yolact_ros.bag.replay.frames import Frame
from yolact_ros.depth.registration import check_calibration, check_depth, is_named_rectified
from yolact_ros.depth.ring import DepthRing, follows
from yolact_ros.images.camera_info import to_calibration
from yolact_ros.images.depth import decompress_depth, read_depth
from yolact_ros.messages.space import Space
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.messages.types import COMPRESSED_IMAGE

# Depth that was recorded so many ns before or after an image is looked at. It is the same wherever
# reading begins, so that results do not depend on how a bag is split.
BEFORE, AFTER = NS_PER_S, NS_PER_S // 2


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
        self._rays: tuple[tuple[int, int], Rays] | None = None  # of which size

    def find(self, frame: Frame) -> Space:
        """Return the depth that belongs to an image.

        Raises:
            InputError: There is none that fits, or no calibration.
        """
        self._move_to(frame.time)
        entry = self._fill_ring(frame.time).find(frame.stamp)
        message, frame_id = self._bag.deserialize(entry), frame.header.frame_id
        read = decompress_depth if entry.type == COMPRESSED_IMAGE else read_depth
        depth = read(message)
        height, width, _ = frame.rgb.shape
        check_depth(depth, message.header, frame_id, (height, width), self._topics.depth)
        return Space(depth, self._find_rays(frame, (height, width)))

    def _move_to(self, time: int) -> None:
        """Hold what was recorded around a time."""
        if self._entries is None:
            self._entries = self._bag.entries([self._topics.depth], time - BEFORE)
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

    def _find_rays(self, frame: Frame, size: tuple[int, int]) -> Rays:
        """Return the rays of an image's pixels, by the first calibration of the bag."""
        if self._rays is None or self._rays[0] != size:
            topic = self._topics.camera_info
            entry, info = next(self._bag.messages([topic]))
            if entry.encoding == ROS1:  # which writes D, K, R and P
                info = SimpleNamespace(**{name.lower(): one for name, one in vars(info).items()})
            check_calibration(info, frame.header.frame_id, topic)
            try:
                calibration = to_calibration(info, size)
            except InputError as error:
                raise InputError(f'calibration on {topic} does not fit: {error}') from None
            self._rays = size, calibration.rays(is_rectified=is_named_rectified(frame.topic))
        return self._rays[1]
