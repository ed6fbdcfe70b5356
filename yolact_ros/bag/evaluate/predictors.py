"""Predictors for the images of a bag: a model that runs now, or results that were recorded.

Recorded messages are looked up by the stamps of their images, while both are read in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.timing import Timing
from yolact_core.tracking import Tracks
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Message
from yolact_ros.bag.replay.frames import Frame
from yolact_ros.messages.detections import to_detections, to_tracks
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.messages.types import INSTANCES, MODEL_INFO

WINDOW = 10 * NS_PER_S  # ns that a message may have been recorded before or after its image


@dataclass(frozen=True)
class FrameDetections:
    """Detections of one image.

    Args:
        detections: Detected instances, best score first.
        timing: Seconds that each stage of the detector took; None for recorded results.
        is_missing: Whether the recording has no result for this image.
        tracks: Tracks of the detections as they were recorded; None where nothing was recorded.
    """

    detections: Detections
    timing: Timing | None
    is_missing: bool = False
    tracks: Tracks | None = None


class DetectorPredictor:
    """A model that runs on the images now.

    Args:
        detector: Detector, with its thresholds set.
        name: Name in tables and charts.
    """

    def __init__(self, detector: Detector, name: str) -> None:
        self._detector = detector
        self.name = name
        self.class_names = detector.class_names

    def predict(self, frame: Frame) -> FrameDetections:
        """Run the model on an image."""
        return FrameDetections(self._detector(frame.rgb), self._detector.timing)


class HeldMessage(NamedTuple):
    """A message that is kept in memory.

    Attributes:
        time: Time of recording, ns.
        stamp: Stamp of its header, ns; without one, the time of recording.
        message: The message itself.
    """

    time: int
    stamp: int
    message: Message


class StampIndex:
    """Messages of a topic by stamp; only those around the current image are kept in memory.

    A message without a stamp belongs to the image without a stamp that was recorded at the same
    time. Of several with one stamp, that belongs to an image which has the same place among those
    recorded at the same time, as in the results that ``yolact bag run`` writes.

    Args:
        bag: Bag, open for reading, which ``close`` closes.
        topic: Topic of messages that have a header.
    """

    def __init__(self, bag: Bag, topic: str) -> None:
        self._bag = bag
        self._topic = topic
        self._messages: Generator[tuple[Entry, Message], None, None] | None = None
        self._held: deque[HeldMessage] = deque()
        self._asked = 0

    def close(self) -> None:
        """Close the bag."""
        self._stop()
        self._bag.close()

    def find(self, stamp: int, time: int, place: int = 0) -> Message | None:
        """Return the message with a stamp, or None.

        Args:
            stamp: Stamp of the image, ns; 0 if it has none.
            time: Time when the image was recorded, ns; fastest if it grows from call to call.
            place: Number of the image among those that were recorded at that very time, from 0.

        Raises:
            InputError: Several messages have the stamp, and none of them this place.
        """
        if self._messages is None or not 0 <= time - self._asked <= WINDOW:
            self._stop()
            self._messages = self._bag.messages([self._topic], time - WINDOW)
        self._asked = time
        while not self._held or self._held[-1].time <= time + WINDOW:
            found = next(self._messages, None)
            if found is None:
                break
            entry, message = found
            own = stamp_of(message.header) or entry.time
            self._held.append(HeldMessage(entry.time, own, message))
        while self._held and self._held[0].time < time - WINDOW:
            self._held.popleft()
        return self._choose(stamp or time, time, place)

    def _choose(self, stamp: int, time: int, place: int) -> Message | None:
        beside = [one for one in self._held if one.time == time]
        if place < len(beside) and beside[place].stamp == stamp:
            return beside[place].message
        same = [one.message for one in self._held if one.stamp == stamp]
        if len(same) > 1:
            raise InputError(
                f'stamps on {self._topic} must differ, got {len(same)} messages with one'
            )
        return same[0] if same else None

    def _stop(self) -> None:
        """Stop reading, and forget everything."""
        if self._messages is not None:
            self._messages.close()
        self._messages = None
        self._held.clear()


class RecordedPredictor:
    """Results that were recorded: ``InstanceArray`` messages with the stamps of the images.

    Args:
        bag: Bag of the results, open for reading; ``close`` closes it.
        topic: Topic of the results.
        name: Name in tables and charts.

    Raises:
        InputError: There is no such topic, or it has another type.
    """

    def __init__(self, bag: Bag, topic: str, name: str) -> None:
        bag.select_topic(topic, [INSTANCES])
        self._messages = StampIndex(bag, topic)
        self.name = name
        self.class_names = read_class_names(bag, topic)

    def close(self) -> None:
        """Close the bag."""
        self._messages.close()

    def predict(self, frame: Frame) -> FrameDetections:
        """Return what was recorded for an image.

        Raises:
            InputError: Which message belongs to it cannot be told, or a mask is malformed.
        """
        message = self._messages.find(frame.stamp, frame.time, frame.place)
        if message is None:
            return FrameDetections(no_detections(frame, self.class_names), None, is_missing=True)
        return FrameDetections(
            to_detections(message, self.class_names),
            timing=None,
            tracks=to_tracks(message, self.class_names),
        )


Predictor = DetectorPredictor | RecordedPredictor


def find_results_topic(bag: Bag) -> str:
    """Return the topic of the results in a bag.

    Raises:
        InputError: There is none, or there are several.
    """
    found = [topic.name for topic in bag.topics if topic.type == INSTANCES]
    if len(found) != 1:
        raise InputError(
            f'{bag.path} must have one topic of {INSTANCES}, got {", ".join(found) or "none"}'
        )
    return found[0]


def read_class_names(bag: Bag, topic: str) -> tuple[str, ...]:
    """Return the classes of recorded results: those of their model, or else those that occur."""
    infos = [one.name for one in bag.topics if one.type == MODEL_INFO]
    own = [name for name in infos if topic.startswith(name.rpartition('/')[0] + '/')]
    for _, message in bag.messages([max(own, key=len)] if own else []):
        return tuple(message.class_names)
    return read_occurring_classes(bag, topic)


def read_occurring_classes(bag: Bag, topic: str) -> tuple[str, ...]:
    """Return the classes of the instances of a topic, sorted."""
    names = {
        instance.class_name
        for _, message in bag.messages([topic])
        for instance in message.instances
    }
    return tuple(sorted(names))


def no_detections(frame: Frame, class_names: tuple[str, ...]) -> Detections:
    """Return empty detections of the size of an image."""
    none = np.zeros(0, np.float32)
    return Detections(
        boxes=none.reshape(0, 4),
        scores=none,
        mask_scores=none,
        class_ids=np.zeros(0, np.int64),
        coefficients=none.reshape(0, 0),
        masks=InstanceMasks.from_crops([], (frame.rgb.shape[0], frame.rgb.shape[1])),
        all_class_names=class_names,
    )
