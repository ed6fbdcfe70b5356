"""Predictors for the images of a bag: a model that runs now, or results that were recorded."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.timing import Timing
from yolact_core.tracking import Tracks
from yolact_ros.bag.evaluate.stamp_index import StampIndex
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.frames import Frame
from yolact_ros.messages.detections import to_detections, to_tracks
from yolact_ros.messages.types import INSTANCES, MODEL_INFO


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

    Attributes:
        has_ids: Whether it says itself which track an instance has.
    """

    has_ids = False

    def __init__(self, detector: Detector, name: str) -> None:
        self._detector = detector
        self.name = name
        self.class_names = detector.class_names

    def predict(self, frame: Frame) -> FrameDetections:
        """Run the model on an image."""
        return FrameDetections(self._detector(frame.rgb), self._detector.timing)


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
        self._bag, self._topic = bag, topic
        self._messages = StampIndex(bag, topic)
        self.name = name
        self.class_names = read_class_names(bag, topic)

    @cached_property
    def has_ids(self) -> bool:
        """Whether an instance of the recording has a track."""
        with closing(self._bag.messages([self._topic])) as messages:
            return any(one.id for _, message in messages for one in message.instances)

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
