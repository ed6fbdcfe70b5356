"""Give the instances of a bag of results their tracks, once all parts of it are there.

Spans of a bag are processed anywhere and in any order, tracks are followed from image to image. So
this is done when the parts are joined, and what comes out depends on neither spans nor workers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from yolact_core.errors import InputError
from yolact_core.tracking import Tracker
from yolact_ros.bag.io.bag import Bag, Entry, Message
from yolact_ros.bag.replay.frames import Frame, decode, read_raw
from yolact_ros.bag.replay.replay import ReplayFacts, ReplayJob
from yolact_ros.bag.replay.results import name_cameras
from yolact_ros.messages.detections import select_instances, set_tracks, to_detections
from yolact_ros.messages.types import ros2_types


class InstanceFollower:
    """Follows the instances of each camera, whose ids no other camera of the bag has.

    Args:
        bag: Bag of the images, open for reading.
        job: Job whose output has the instances.
        facts: What is known of the bag.
        advance: Function to call after each image.
    """

    def __init__(
        self, bag: Bag, job: ReplayJob, facts: ReplayFacts, advance: Callable[[], None]
    ) -> None:
        images, numbers = facts.images, count(1)
        self._bag = bag
        self._selection = job.selection
        self._class_names = facts.class_names
        self._advance = advance
        self._image_topics = {
            camera: topic for topic, camera in name_cameras(images.topics).items()
        }
        self._trackers = {camera: Tracker(numbers=numbers) for camera in self._image_topics}
        self._ids: dict[str, dict[int, str]] = {}  # by camera and label, of the newest image
        self._raws = read_raw(bag, images.topics, job.selection.every, images.whole)

    def rewrite(self, part: Bag, entry: Entry) -> bytes:
        """Return a message of the results, with tracks if it has instances or objects.

        Args:
            part: Bag of the message.
            entry: The message, serialized; they come in the order of the images, and the objects
                of an image behind its instances.

        Raises:
            InputError: It is cut off, or its image can no longer be read.
        """
        camera, _, output = entry.topic.rpartition('/')
        if camera not in self._trackers or output not in ('instances', 'objects'):
            return entry.data
        message = part.deserialize(entry)
        if output == 'instances':
            self._follow(camera, message)
        else:
            for one in message.objects:
                one.id = self._ids[camera][one.label]
        return bytes(ros2_types().serialize_cdr(message, entry.type))

    def _follow(self, camera: str, message: Message) -> None:
        """Give the instances of the next image their tracks."""
        frame = self._find_image(self._image_topics[camera], message.sequence)
        detections = to_detections(message, self._class_names)
        tracks = self._trackers[camera].update(detections, frame.moment, frame.rgb)
        set_tracks(select_instances(message, self._class_names), tracks)
        self._ids[camera] = {one.label: one.id for one in message.instances}
        self._advance()

    def _find_image(self, topic: str, sequence: int) -> Frame:
        """Return the next image that has a number among those of its topic that are taken."""
        index = (sequence - 1) * self._selection.every
        for raw in self._raws:
            if (raw.entry.topic, raw.index) == (topic, index):
                return decode(self._bag, raw, self._selection.image_range)
        raise InputError(f'image {index} of {topic} must still be in bag {self._bag.path}')
