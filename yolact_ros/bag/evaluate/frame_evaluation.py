"""Evaluate the images of a bag one after the other, and record what the figures need."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.segmentation import Rle
from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.evaluation.matches import agree
from yolact_core.evaluation.results import result_of_image
from yolact_ros.bag.evaluate.choice import Choice
from yolact_ros.bag.evaluate.following import Followers
from yolact_ros.bag.evaluate.frame_state import LONGEST_GAP, FrameState, compare_states
from yolact_ros.bag.evaluate.motion import to_grey
from yolact_ros.bag.evaluate.predictors import FrameDetections, Predictor
from yolact_ros.bag.evaluate.records import (
    FrameRecord,
    FrameResult,
    Record,
    SkippedFrame,
    TruthMatch,
)
from yolact_ros.bag.evaluate.truth import FrameTruth, Truth
from yolact_ros.bag.evaluate.truth_matching import match_truth
from yolact_ros.bag.image_selection import ImageSelection
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.frames import (
    Frame,
    RawFrame,
    Span,
    decode,
    read_frames,
    read_raw,
)


@dataclass(frozen=True)
class FrameView:
    """An image with its detections and its truth, for pictures.

    Args:
        rgb: Image, shape (H, W, 3); must not be written to.
        found: Detections above the threshold of each candidate.
        truth: Objects in the image, if they are known.
    """

    rgb: npt.NDArray[np.uint8]
    found: tuple[Detections, ...]
    truth: FrameTruth | None


class FrameEvaluator:
    """Runs all candidates on the images of a bag, and records how well they do.

    Args:
        bag: Bag of the images, open for reading.
        topics: Topics of images.
        predictors: Candidates.
        class_names: Names of the classes that are evaluated.
        truth: Ground truth, if there is any.
        score_threshold: Detections that score above it count as found; AP counts all of them.
        selection: How images are taken; None: all, as their encoding has it.
        is_tracked: Whether instances are followed too; then spans must not be split.
    """

    def __init__(  # noqa: PLR0913 - what a job is made of
        self,
        bag: Bag,
        topics: Sequence[str],
        predictors: Sequence[Predictor],
        class_names: tuple[str, ...],
        truth: Truth | None = None,
        score_threshold: float = 0.3,
        selection: ImageSelection | None = None,
        is_tracked: bool = False,
    ) -> None:
        self._bag = bag
        self._topics = topics
        self._predictors = predictors
        self._choice = Choice(class_names, score_threshold)
        self._truth = truth
        self._selection = selection or ImageSelection()
        self._is_tracked = is_tracked

    def records(self, span: Span | None = None) -> Iterator[Record]:
        """Iterate over the records of a span.

        The last image of each topic before the span is evaluated too, so that the first one
        inside has something to be compared with. An image is skipped that cannot be decoded, or
        whose truth or result is malformed.
        """
        span = span or Span()
        states = self._lead_in(span)
        followers = Followers(self._predictors, self._choice) if self._is_tracked else None
        reading = read_frames(self._bag, self._topics, self._selection, span)
        with closing(reading) as frames:
            for raw, frame in frames:
                topic = raw.entry.topic
                try:
                    if isinstance(frame, InputError):
                        raise frame
                    predictions = [one.predict(frame) for one in self._predictors]
                    state = self._to_state(frame, predictions, followers)
                    record = self._record(frame, predictions, state, states.get(topic))
                except InputError as error:
                    yield SkippedFrame(topic, raw.index, raw.entry.time, str(error))
                    continue
                yield record
                states[topic] = state

    def view(self, record: FrameRecord) -> FrameView:
        """Return the image of a record once more, with what is in it.

        Raises:
            InputError: It can no longer be read.
        """
        span = Span(record.time, record.time + 1, {record.topic: record.index})
        for raw in read_raw(self._bag, [record.topic], span=span):
            if raw.place == record.place:
                frame = self._decode(raw)
                predictions = [one.predict(frame) for one in self._predictors]
                found = [self._choice.select(one.detections) for one in predictions]
                truth = self._find_truth(frame)
                return FrameView(frame.rgb, tuple(found), truth)
        raise InputError(f'image {record.index} of {record.topic} must still be in the bag')

    def _decode(self, raw: RawFrame) -> Frame:
        return decode(self._bag, raw, self._selection.image_range)

    def _find_truth(self, frame: Frame) -> FrameTruth | None:
        return self._truth.find(frame, self._choice.class_names) if self._truth else None

    def _lead_in(self, span: Span) -> dict[str, FrameState]:
        """Return the last image of each topic before a span, if it is not too old."""
        if span.start is None:
            return {}
        before: dict[str, deque[RawFrame]] = defaultdict(deque)
        for raw in read_raw(
            self._bag, self._topics, span=Span(span.start - LONGEST_GAP, span.start)
        ):
            before[raw.entry.topic].append(raw)
        states = {}
        for topic, raws in before.items():
            known = min(span.counts.get(topic, 0), len(raws))
            for steps in range(1, known + 1):  # backwards
                if (span.counts[topic] - steps) % self._selection.every == 0:
                    try:
                        frame = self._decode(raws[-steps])
                        predictions = [one.predict(frame) for one in self._predictors]
                    except InputError:
                        continue
                    states[topic] = self._to_state(frame, predictions)
                    break
        return states

    def _to_state(
        self,
        frame: Frame,
        predictions: Sequence[FrameDetections],
        followers: Followers | None = None,
    ) -> FrameState:
        none = (None,) * len(predictions)
        return FrameState(
            time=frame.time,
            grey=to_grey(frame.rgb),
            found=tuple(self._choice.select(one.detections) for one in predictions),
            tracked=followers.follow(frame, predictions) if followers else none,
            is_missing=tuple(one.is_missing for one in predictions),
        )

    def _record(
        self,
        frame: Frame,
        predictions: Sequence[FrameDetections],
        state: FrameState,
        before: FrameState | None,
    ) -> FrameRecord:
        truth = self._find_truth(frame)
        found = state.found
        rles = [one.masks.coco_rles() for one in found] if truth or len(found) > 1 else []
        none = (None,) * len(found)
        matches = self._match(predictions, state, rles, truth) if truth else none
        steadiness = compare_states(before, state)
        results = tuple(
            FrameResult(
                class_ids=one.class_ids,
                scores=one.scores,
                areas=one.masks.areas(),
                is_missing=prediction.is_missing,
                truth=matches[index],
                steadiness=steadiness[index][0],
                decode=frame.seconds,
                timing=prediction.timing,
                tracked_steadiness=steadiness[index][1],
            )
            for index, (prediction, one) in enumerate(zip(predictions, found, strict=True))
        )
        return FrameRecord(
            topic=frame.topic,
            index=frame.index,
            time=frame.time,
            place=frame.place,
            stamp=frame.stamp,
            size=(frame.rgb.shape[0], frame.rgb.shape[1]),
            objects=int((~truth.image.is_crowd).sum()) if truth else None,
            results=results,
            agreement=tuple(
                agree(own, one.class_ids, rles[0], found[0].class_ids).quality
                for own, one in zip(rles, found, strict=False)
            ),
        )

    def _match(
        self,
        predictions: Sequence[FrameDetections],
        state: FrameState,
        rles: Sequence[list[Rle]],
        truth: FrameTruth,
    ) -> list[TruthMatch]:
        matches = []
        for index, prediction in enumerate(predictions):
            class_of = self._choice.class_of(prediction.detections)
            result = result_of_image(prediction.detections, class_of)
            found, tracked = state.found[index], state.tracked[index]
            matches.append(match_truth(result, found, rles[index], tracked, truth))
        return matches
