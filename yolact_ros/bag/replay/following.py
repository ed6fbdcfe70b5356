"""Give the instances of a bag of results their tracks, once all parts of it are there.

Spans of a bag are processed anywhere and in any order, tracks are followed from image to image. So
this is done when the parts are joined, and what comes out depends on neither spans nor workers. Of
each image the parts hold what a tracker looks at, so that none has to be decoded again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from yolact_core.tracking import SmallView, Tracker
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Message
from yolact_ros.bag.replay.replay import ReplayFacts
from yolact_ros.bag.replay.results import VIEW, name_cameras
from yolact_ros.messages.detections import select_instances, set_tracks, to_detections
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.messages.types import ros2_types

FOLLOWED = (VIEW, 'instances', 'objects')  # of an image in this order


class InstanceFollower:
    """Follows the instances of each camera, whose ids no other camera of the bag has.

    Args:
        facts: What is known of the bag.
        advance: Function to call after each image.
    """

    def __init__(self, facts: ReplayFacts, advance: Callable[[], None]) -> None:
        cameras, numbers = name_cameras(facts.images.topics).values(), count(1)
        self._class_names = facts.class_names
        self._advance = advance
        self._trackers = {camera: Tracker(numbers=numbers) for camera in cameras}
        self._views: dict[str, Message] = {}  # by camera, of the newest image
        self._ids: dict[str, dict[int, str]] = {}  # by camera and label, of the newest image

    def rewrite(self, part: Bag, entry: Entry) -> bytes | None:
        """Return a message of the results, with tracks if it has instances or objects.

        Args:
            part: Bag of the message.
            entry: The message, serialized; they come in the order of the images.

        Returns:
            The message, serialized; None for one that is needed for tracks alone.

        Raises:
            InputError: It is cut off.
        """
        camera, _, output = entry.topic.rpartition('/')
        if camera not in self._trackers or output not in FOLLOWED:
            return entry.data
        message = part.deserialize(entry)
        if output == VIEW:
            self._views[camera] = message
            return None
        if output == 'instances':
            self._follow(camera, message, entry.time)
        else:
            for one in message.objects:
                one.id = self._ids[camera][one.label]
        return bytes(ros2_types().serialize_cdr(message, entry.type))

    def _follow(self, camera: str, message: Message, time: int) -> None:
        """Give the instances of the next image their tracks."""
        detections = to_detections(message, self._class_names)
        moment = (stamp_of(message.header) or time) / NS_PER_S
        view = _to_view(self._views.pop(camera), detections.size)
        tracks = self._trackers[camera].update(detections, moment, view)
        set_tracks(select_instances(message, self._class_names), tracks)
        self._ids[camera] = {one.label: one.id for one in message.instances}
        self._advance()


def _to_view(message: Message, size: Sequence[int]) -> SmallView:
    """Return the view in a message, of an image of a size."""
    grey = np.asarray(message.data, dtype=np.uint8).reshape(message.height, message.width)
    return SmallView(grey, max(grey.shape) / max(size))
