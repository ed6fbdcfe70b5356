"""Depth goes on without some objects, image by image, and never waits for the network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile

from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.lifting import DepthImage
from yolact_core.lifting.removal import margins_by_age, remove
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_ros.depth.registration import check_depth
from yolact_ros.health.diagnostics import Status
from yolact_ros.health.freshness import NANOSECONDS
from yolact_ros.health.removal import RemovalTally, check_removal, complain
from yolact_ros.messages.builder import ros_messages
from yolact_ros.messages.camera_info import to_camera_info
from yolact_ros.messages.clouds import POINT, to_cloud
from yolact_ros.messages.nav.view import make_grid
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.messages.types import CAMERA_INFO, IMAGE, POINTS
from yolact_ros.node.depth.depth import DepthInput
from yolact_ros.node.qos import reliable
from yolact_ros.node.settings import Settings

WAITING = 8  # depth images at most: what comes faster than it goes out would get ever older
DEPTH, INFO, CLOUD = 'removed/depth', 'removed/camera_info', 'removed/points'
TYPES = {DEPTH: IMAGE, INFO: CAMERA_INFO, CLOUD: POINTS}
QUEUE = 5  # messages of each topic

CreatePublisher = Callable[[str, str, QoSProfile], Publisher[Any]]
Header = Any  # ``std_msgs/msg/Header``


@dataclass(frozen=True, eq=False)
class Seen:
    """What was found in the newest image.

    Args:
        header: Header of the image.
        masks: Masks of what is taken out.
        settings: Settings of the node at that time.
    """

    header: Header
    masks: InstanceMasks
    settings: Settings


class Removal:
    """Publishes each depth image once, in its order and under its stamp, without some objects.

    Args:
        create_publisher: Function that takes type, topic and profile.
        depth: Depth of the camera.
    """

    def __init__(self, create_publisher: CreatePublisher, depth: DepthInput) -> None:
        self._depth = depth
        self._publishers = {
            topic: create_publisher(kind, topic, reliable(QUEUE)) for topic, kind in TYPES.items()
        }
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._seen: Seen | None = None
        self._complaint = ''
        self._tally = RemovalTally()
        self._counting = threading.Lock()  # what is counted while a report begins is in the next
        self._thread: threading.Thread | None = None

    @property
    def publishers(self) -> Sequence[Publisher[Any]]:
        """Publishers of its topics."""
        return tuple(self._publishers.values())

    @property
    def is_heard(self) -> bool:
        """Whether somebody listens."""
        return any(map(_is_heard, self._publishers.values()))

    def start(self) -> None:
        """Take each depth image from now on."""
        self._seen = None
        self._thread = threading.Thread(target=self._run, name='yolact removal', daemon=True)
        self._thread.start()
        self._depth.consumers.append(self._put)

    def stop(self) -> None:
        """Take no depth image any more, and end when the one being worked on is out."""
        if self._thread is not None:
            self._depth.consumers.remove(self._put)
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def show(self, header: Header, detections: Detections, settings: Settings) -> None:
        """Take these masks from now on.

        Args:
            header: Header of the image.
            detections: Instances in it.
            settings: Current settings of the node.
        """
        chosen, known = settings.removal.classes, detections.all_class_names
        self._complaint = complain(chosen, settings.classes, known)
        is_removed = [name in chosen for name in detections.class_names]
        self._seen = Seen(header, detections.masks[is_removed], settings)

    def check(self) -> Status:
        """Report how it has been since the last report."""
        with self._counting:
            tally, self._tally = self._tally, RemovalTally()
        return check_removal(tally, self._complaint, is_needed=self.is_heard)

    def _put(self, _stamp: int, data: bytes) -> None:
        if not self.is_heard:
            return
        if self._waiting.qsize() >= WAITING:
            with suppress(Empty):
                self._waiting.get_nowait()
                self._tally.dropped += 1
        self._waiting.put(data)

    def _run(self) -> None:
        while (data := self._waiting.get()) is not None:
            try:
                header, depth, seen = self._serve(data)
            except Exception as error:  # whatever it is, the next one may be better
                with self._counting:
                    self._tally.withheld += 1
                    self._tally.complaint = _describe(error)
                continue
            try:
                self._publish(INFO, partial(self._make_camera_info, header, depth))
                self._publish(CLOUD, partial(self._make_points, header, depth, seen.settings))
            except Exception as error:
                self._tally.complaint = _describe(error)

    def _serve(self, data: bytes) -> tuple[Header, DepthImage, Seen]:
        """Publish one depth image, and return what is published beside it.

        Raises:
            InputError: It cannot be read, or no masks fit it.
        """
        header, encoding, depth = self._depth.read(data)
        seen, age = self._find_masks(header)
        frame_id, size = seen.header.frame_id, seen.masks.size
        check_depth(depth, header, frame_id, size, self._depth.topic)
        settings = seen.settings.removal
        margins = margins_by_age(seen.masks, settings.margin, age, settings.speed)
        depth = DepthImage(remove(depth.values, seen.masks, margins), depth.metres_per_unit)
        self._publish(DEPTH, partial(ros_messages.to_image, depth.values, encoding, header))
        with self._counting:
            self._tally.published += 1
            self._tally.ages.append(age)
        return header, depth, seen

    def _find_masks(self, header: Header) -> tuple[Seen, float]:
        """Return the newest masks, and how many seconds older or newer than the depth they are.

        Raises:
            InputError: There are none, or they are of another time.
        """
        seen = self._seen
        if seen is None:
            raise InputError('no image was segmented yet')
        difference = (stamp_of(header) - stamp_of(seen.header)) * NANOSECONDS
        age, most = abs(difference), seen.settings.removal.max_age
        if age > most:
            word = 'older' if difference > 0 else 'newer'
            raise InputError(
                f'masks must be within removal.max_age = {most:g} s of the depth, the newest are '
                f'{age:.1f} s {word}'
            )
        return seen, age

    def _make_camera_info(self, header: Header, depth: DepthImage) -> Any:  # noqa: ANN401
        info = self._depth.camera_info.find(header.frame_id, depth.size)
        return to_camera_info(ros_messages, info, header)

    def _make_points(self, header: Header, depth: DepthImage, settings: Settings) -> Any:  # noqa: ANN401
        is_rectified = self._depth.is_rectified(settings.depth)
        rays = self._depth.camera_info.rays(header.frame_id, depth.size, is_rectified=is_rectified)
        points = make_grid(rays, settings.nav.width).points(depth)
        return to_cloud(ros_messages, points.view(POINT)[..., 0], header)

    def _publish(self, topic: str, make: Callable[[], Any]) -> None:
        publisher = self._publishers[topic]
        if _is_heard(publisher):
            publisher.publish(make())


def _is_heard(publisher: Publisher[Any]) -> bool:
    return bool(publisher.get_subscription_count() > 0)


def _describe(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f'{type(error).__name__}: {error}'
