"""Evaluate the images of a bag one after the other, and record what the figures need."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.segmentation import Rle
from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.evaluation.matches import agree, match_image
from yolact_core.evaluation.results import result_of_image
from yolact_ros.bag.evaluate.motion import Grey, Motion, estimate_motion, to_grey
from yolact_ros.bag.evaluate.predictors import FrameDetections, Predictor
from yolact_ros.bag.evaluate.records import (
    FrameRecord,
    FrameResult,
    Record,
    SkippedFrame,
    TruthMatch,
)
from yolact_ros.bag.evaluate.stability import Steadiness, compare_frames, nothing_to_compare
from yolact_ros.bag.evaluate.truth import FrameTruth, Truth
from yolact_ros.bag.image_selection import ImageSelection
from yolact_ros.bag.io.bag import NS_PER_S, Bag
from yolact_ros.bag.replay.frames import Frame, RawFrame, Span, decode, read_raw

LONGEST_GAP = 1 * NS_PER_S  # ns between two images that are compared
SMALLEST_SIDE = 16  # pixels that optical flow needs


@dataclass(frozen=True)
class FrameState:
    """An image and its detections, kept until the next image is compared with it.

    Args:
        time: Time of recording, ns.
        grey: Brightness of each pixel, shape (H, W).
        found: Detections above the threshold of each candidate; None where a result is missing.
    """

    time: int
    grey: Grey
    found: tuple[Detections | None, ...]


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
    ) -> None:
        self._bag = bag
        self._topics = topics
        self._predictors = predictors
        self._class_names = class_names
        self._truth = truth
        self._score_threshold = score_threshold
        self._selection = selection or ImageSelection()

    def records(self, span: Span | None = None) -> Iterator[Record]:
        """Iterate over the records of a span.

        The last image of each topic before the span is evaluated too, so that the first one
        inside has something to be compared with. An image is skipped that cannot be decoded, or
        whose truth or result is malformed.
        """
        span = span or Span()
        states = self._lead_in(span)
        for raw in read_raw(self._bag, self._topics, self._selection.every, span):
            topic = raw.entry.topic
            try:
                frame = self._decode(raw)
                predictions = [one.predict(frame) for one in self._predictors]
                state = self._to_state(frame, predictions)
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
                found = [self._select(one.predict(frame).detections) for one in self._predictors]
                truth = self._truth.find(frame, self._class_names) if self._truth else None
                return FrameView(frame.rgb, tuple(found), truth)
        raise InputError(f'image {record.index} of {record.topic} must still be in the bag')

    def _decode(self, raw: RawFrame) -> Frame:
        return decode(self._bag, raw, self._selection.image_range)

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

    def _to_state(self, frame: Frame, predictions: Sequence[FrameDetections]) -> FrameState:
        found = tuple(
            None if prediction.is_missing else self._select(prediction.detections)
            for prediction in predictions
        )
        return FrameState(frame.time, to_grey(frame.rgb), found)

    def _select(self, detections: Detections) -> Detections:
        """Return the detections above the threshold, with the class ids of this evaluation."""
        class_of = self._class_of(detections)
        is_kept = np.isin(detections.class_ids, list(class_of))
        is_kept &= detections.scores > self._score_threshold
        kept = detections[is_kept]
        class_ids = np.array([class_of[one] for one in kept.class_ids.tolist()], dtype=np.int64)
        return replace(kept, class_ids=class_ids, all_class_names=self._class_names)

    def _class_of(self, detections: Detections) -> dict[int, int]:
        return {
            index: self._class_names.index(name)
            for index, name in enumerate(detections.all_class_names)
            if name in self._class_names
        }

    def _record(
        self,
        frame: Frame,
        predictions: Sequence[FrameDetections],
        state: FrameState,
        before: FrameState | None,
    ) -> FrameRecord:
        truth = self._truth.find(frame, self._class_names) if self._truth else None
        steadiness = self._compare(before, state)
        found = [
            self._select(prediction.detections) if one is None else one
            for prediction, one in zip(predictions, state.found, strict=True)
        ]
        rles = [one.masks.coco_rles() for one in found] if truth or len(found) > 1 else []
        results = tuple(
            FrameResult(
                class_ids=one.class_ids,
                scores=one.scores,
                areas=one.masks.areas(),
                is_missing=prediction.is_missing,
                truth=self._match(prediction, one, rles[index], truth) if truth else None,
                steadiness=steadiness[index],
                decode=frame.seconds,
                timing=prediction.timing,
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
        self, prediction: FrameDetections, found: Detections, rles: list[Rle], truth: FrameTruth
    ) -> TruthMatch:
        """Compare all detections (for AP) and those above the threshold with the truth."""
        result = result_of_image(prediction.detections, self._class_of(prediction.detections))
        wanted = np.flatnonzero(~truth.image.is_crowd)
        agreement = agree(
            rles,
            found.class_ids,
            [truth.image.rles[index] for index in wanted],
            truth.image.class_ids[wanted],
        )
        tracked = [
            (truth.tracks[index], bool(is_found))
            for index, is_found in zip(wanted, agreement.is_paired, strict=True)
            if truth.tracks[index]
        ]
        return TruthMatch(
            box=match_image(truth.image, result, 'bbox'),
            mask=match_image(truth.image, result, 'segm'),
            quality=agreement.quality,
            tracks=tuple(track for track, _ in tracked),
            is_found=tuple(is_found for _, is_found in tracked),
        )

    @staticmethod
    def _compare(before: FrameState | None, after: FrameState) -> list[Steadiness | None]:
        """Return how steady each candidate is; None where two images cannot be compared."""
        steadiness: list[Steadiness | None] = [None] * len(after.found)
        if before is None or before.grey.shape != after.grey.shape:
            return steadiness
        gap = after.time - before.time
        if not 0 < gap <= LONGEST_GAP or min(after.grey.shape) < SMALLEST_SIDE:
            return steadiness
        motion: Motion | None = None
        for index, (first, second) in enumerate(zip(before.found, after.found, strict=True)):
            if first is None or second is None:
                continue
            if len(first) == 0:
                steadiness[index] = nothing_to_compare(gap / NS_PER_S)
                continue
            motion = motion or estimate_motion(before.grey, after.grey)
            steadiness[index] = compare_frames(first, second, motion, gap / NS_PER_S)
        return steadiness
