"""Predictors for the images of a bag: a model that runs now, or results that were recorded.

Recorded messages are looked up by the stamps of their images, while both are read in order.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.timing import Timing
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Message
from yolact_ros.bag.replay.frames import Frame, stamp_of
from yolact_ros.messages.detections import to_detections
from yolact_ros.messages.types import INSTANCES, MODEL_INFO

WINDOW = 10 * NS_PER_S  # ns that a message may have been recorded before or after its image


@dataclass(frozen=True)
class FrameDetections:
    """Detections of one image.

    Args:
        detections: Detected instances, best score first.
        timing: Seconds that each stage of the detector took; None for recorded results.
        is_missing: Whether the recording has no result for this image.
    """

    detections: Detections
    timing: Timing | None
    is_missing: bool = False


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


class StampIndex:
    """Messages of a topic by stamp; only those around the current image are kept in memory.

    Where a stamp occurs twice, the first message counts. A message without a stamp belongs to the
    image without a stamp that was recorded at the same time.

    Args:
        bag: Bag, open for reading, which ``close`` closes.
        topic: Topic of messages that have a header.
    """

    def __init__(self, bag: Bag, topic: str) -> None:
        self._bag = bag
        self._topic = topic
        self._entries: Generator[Entry, None, None] | None = None
        self._held: dict[int, tuple[int, Message]] = {}  # by stamp, with times of recording
        self._read_until = self._asked = 0

    def close(self) -> None:
        """Close the bag."""
        self._stop()
        self._bag.close()

    def find(self, stamp: int, time: int) -> Message | None:
        """Return the message with a stamp, or None.

        Args:
            stamp: Stamp of the image, ns; 0 if it has none.
            time: Time when the image was recorded, ns; fastest if it grows from call to call.
        """
        if self._entries is None or abs(time - self._asked) > WINDOW:
            self._stop()
            self._entries = self._bag.entries([self._topic], max(time - WINDOW, 0))
        self._asked = time
        stamp = stamp or time
        while stamp not in self._held and self._read_until <= time + WINDOW:
            entry = next(self._entries, None)
            if entry is None:
                break
            self._read_until = entry.time
            self._hold(entry)
        self._forget(time - WINDOW)
        found = self._held.get(stamp)
        return found[1] if found else None

    def _hold(self, entry: Entry) -> None:
        """Keep a message; one that is cut off counts as missing."""
        with suppress(InputError):
            message = self._bag.deserialize(entry)
            self._held.setdefault(stamp_of(message.header) or entry.time, (entry.time, message))

    def _forget(self, before: int) -> None:
        """Drop messages that are too old for the images to come."""
        for stamp, (time, _) in list(self._held.items()):
            if time >= before:
                return
            del self._held[stamp]

    def _stop(self) -> None:
        """Stop reading, and forget everything."""
        if self._entries is not None:
            self._entries.close()
        self._entries, self._held, self._read_until = None, {}, 0


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
            InputError: A mask is malformed.
        """
        message = self._messages.find(frame.stamp, frame.time)
        if message is None:
            return FrameDetections(no_detections(frame, self.class_names), None, is_missing=True)
        return FrameDetections(to_detections(message, self.class_names), None)


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
    for entry in bag.entries([max(own, key=len)] if own else []):
        return tuple(bag.deserialize(entry).class_names)
    return read_occurring_classes(bag, topic)


def read_occurring_classes(bag: Bag, topic: str) -> tuple[str, ...]:
    """Return the classes of the instances of a topic, sorted."""
    names = {
        instance.class_name
        for entry in bag.entries([topic])
        for instance in bag.deserialize(entry).instances
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
