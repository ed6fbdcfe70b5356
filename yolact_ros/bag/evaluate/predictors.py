"""Who finds instances in the images of a bag: a model now, or one that did some time ago."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import numpy as np

from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.timing import Timing
from yolact_ros.bag.evaluate.stamp_index import Companion
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.io.types import INSTANCES, MODEL_INFO
from yolact_ros.bag.replay.frames import Frame
from yolact_ros.bag.replay.messages import to_detections


@dataclass(frozen=True)
class Finding:
    """What was found in an image.

    Args:
        detections: Best score first.
        timing: Seconds of the detector; None for recorded results.
        is_missing: Whether there is no recorded result.
    """

    detections: Detections
    timing: Timing | None
    is_missing: bool = False


class Finder(Protocol):
    """Finds instances."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class that it may find."""

    def find(self, frame: Frame) -> Finding:
        """Return what is in an image."""


class DetectorFinder:
    """A model that looks at the images now.

    Args:
        detector: Its options hold.
        name: What it is called in tables.
    """

    def __init__(self, detector: Detector, name: str) -> None:
        self._detector = detector
        self.name = name
        self.class_names = detector.class_names

    def find(self, frame: Frame) -> Finding:
        """Return what the model finds."""
        return Finding(self._detector(frame.rgb), self._detector.timing)


class ResultsFinder:
    """Results that were recorded: ``InstanceArray`` messages with the stamps of the images.

    Args:
        bag: Of the results.
        topic: Of the results.
        name: What they are called in tables.
    """

    def __init__(self, bag: Bag, topic: str, name: str) -> None:
        bag.select_topic(topic, [INSTANCES])
        self._companion = Companion(bag, topic)
        self.name = name
        self.class_names = read_class_names(bag, topic)

    def __enter__(self) -> ResultsFinder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._companion.close()

    def find(self, frame: Frame) -> Finding:
        """Return what was recorded for an image.

        Raises:
            InputError: A mask is malformed.
        """
        message = self._companion.find(frame.stamp, frame.time)
        if message is None:
            return Finding(nothing(frame, self.class_names), None, is_missing=True)
        return Finding(to_detections(message, self.class_names), None)


def find_results_topic(bag: Bag) -> str:
    """Return the topic of the results in a bag.

    Raises:
        InputError: There is none, or several.
    """
    found = [topic.name for topic in bag.topics if topic.type == INSTANCES]
    if len(found) != 1:
        raise InputError(
            f'{bag.path} must have one topic of {INSTANCES}, got {", ".join(found) or "none"}'
        )
    return found[0]


def read_class_names(bag: Bag, topic: str) -> tuple[str, ...]:
    """Return the classes of recorded results: their model's, or else those that occur, sorted."""
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


def nothing(frame: Frame, class_names: tuple[str, ...]) -> Detections:
    """Return no detections."""
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
