"""Ground truth for the images of a bag: a topic in the bag, or a COCO file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yolact_core.dataset.annotations import Annotations, read_annotations, read_json
from yolact_core.errors import InputError
from yolact_core.evaluation.results import ImageTruth, truth_of_image
from yolact_ros.bag.evaluate.predictors import read_occurring_classes
from yolact_ros.bag.evaluate.stamp_index import StampIndex
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Message
from yolact_ros.bag.replay.frames import Frame
from yolact_ros.messages.detections import to_detections, to_tracks
from yolact_ros.messages.types import INSTANCES

STAMP = re.compile(r'(\d+)[._](\d{9})|(\d{15,20})')  # seconds and nanoseconds, or nanoseconds


@dataclass(frozen=True)
class FrameTruth:
    """Objects in one image.

    Args:
        image: Objects in the form that COCO evaluation takes.
        tracks: Track id of each object; empty for an object without one.
    """

    image: ImageTruth
    tracks: tuple[str, ...]


class TopicTruth:
    """Truth from ``InstanceArray`` messages with the stamps of the images.

    An object with a score of 0 need not be found, like a crowd in a COCO file.

    Args:
        open_bag: Opens the bag, anew at each call.
        topics: Topic of the truth for each topic of images.

    Raises:
        InputError: A topic is missing or has another type.
    """

    def __init__(self, open_bag: Callable[[], Bag], topics: Mapping[str, str]) -> None:
        with open_bag() as bag:
            names = {
                name: None
                for topic in topics.values()
                for name in read_occurring_classes(bag, bag.select_topic(topic, [INSTANCES]).name)
            }
        self.class_names = tuple(names)
        self._messages = {
            images: StampIndex(open_bag(), topic) for images, topic in topics.items()
        }

    def find(self, frame: Frame, class_names: Sequence[str]) -> FrameTruth | None:
        """Return the objects of some classes in an image.

        Raises:
            InputError: The truth is malformed, or made for an image of another size.
        """
        messages = self._messages.get(frame.topic)
        message = messages.find(frame.stamp, frame.time, frame.place) if messages else None
        if message is None:
            return None
        _check_size((message.image_height, message.image_width), frame)
        return _to_truth(message, tuple(class_names))

    def close(self) -> None:
        """Close the bag."""
        for messages in self._messages.values():
            messages.close()


class FileTruth:
    """Truth from a COCO file, whose images are those with the same stamps.

    An image's stamp is its key ``stamp``, in ns, or else in its file name, in ns or as
    ``SECONDS.NANOSECONDS`` with nine digits.

    Args:
        path: COCO file.

    Raises:
        InputError: It cannot be read, or an image has no stamp.
    """

    def __init__(self, path: Path) -> None:
        self._annotations: Annotations = read_annotations(path)
        self.class_names = self._annotations.class_names
        self._images: dict[int, int] = {}
        for index, record in enumerate(read_json(path)['images']):
            stamp = _stamp_of_image(record, path)
            if stamp in self._images:
                raise InputError(
                    f'{path}: each image must have a stamp of its own, got {stamp} twice'
                )
            self._images[stamp] = index

    def find(self, frame: Frame, class_names: Sequence[str]) -> FrameTruth | None:
        """Return the objects of some classes in an image.

        Raises:
            InputError: The truth was made for an image of another size.
        """
        image = self._images.get(frame.stamp)
        if image is None:
            return None
        _check_size(self._annotations.size(image), frame)
        class_of = {
            index: class_names.index(name)
            for index, name in enumerate(self.class_names)
            if name in class_names
        }
        truth = truth_of_image(self._annotations, image, class_of)
        return FrameTruth(truth, ('',) * len(truth.class_ids))


Truth = TopicTruth | FileTruth


def find_common_classes(truth: Truth | None, known: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the classes that are evaluated: with truth, those that it and all candidates know.

    Args:
        truth: Ground truth, if there is any.
        known: Class names of each candidate.

    Raises:
        InputError: There is no such class.
    """
    if truth is None:
        return tuple(dict.fromkeys(name for names in known for name in names))
    ordered = truth.class_names if isinstance(truth, FileTruth) else known[0]
    common = set(truth.class_names).intersection(*known)
    shared = tuple(name for name in ordered if name in common)
    if not shared:
        raise InputError(
            f'truth and model must share a class, got {", ".join(truth.class_names) or "none"} '
            f'and {", ".join(known[0][:5])}'
        )
    return shared


def _to_truth(message: Message, class_names: tuple[str, ...]) -> FrameTruth:
    detections = to_detections(message, class_names)
    return FrameTruth(
        image=ImageTruth(
            size=detections.size,
            boxes=detections.boxes.astype(np.float64),
            class_ids=detections.class_ids,
            is_crowd=detections.scores == 0,
            areas=detections.masks.areas().astype(np.float64),
            rles=detections.masks.coco_rles(),
        ),
        tracks=to_tracks(message, class_names).ids,
    )


def _check_size(size: tuple[int, int], frame: Frame) -> None:
    if size != frame.rgb.shape[:2]:
        raise InputError(
            f'truth of image {frame.index} of {frame.topic} must be of its size, '
            f'{frame.rgb.shape[1]} x {frame.rgb.shape[0]}, got {size[1]} x {size[0]}'
        )


def _stamp_of_image(record: dict[str, object], path: Path) -> int:
    given = record.get('stamp')
    if isinstance(given, int):
        return given
    match = STAMP.fullmatch(Path(str(record.get('file_name'))).stem)
    if match is None:
        raise InputError(
            f'{path}: each image must have a key stamp, in ns, or a file name that is one, '
            f'got {record.get("file_name")!r}'
        )
    seconds, nanoseconds, stamp = match.groups()
    return int(stamp) if stamp else int(seconds) * NS_PER_S + int(nanoseconds)
