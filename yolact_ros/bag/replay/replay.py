"""Run a detector over every image of a bag, and write a bag of results, always the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_ros.bag.executors.executor import Observer
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.io.writer import BagWriter
from yolact_ros.bag.replay.frames import Frame, RawFrame, Span, decode, read_raw
from yolact_ros.bag.replay.results import NODE, name_cameras, to_model_info, to_result
from yolact_ros.bag.replay.resumable_output import Progress, SpanOutput, explain_full_disk
from yolact_ros.messages.messages import bag_messages
from yolact_ros.messages.outputs import Output
from yolact_ros.messages.types import MODEL_INFO

MOST_REASONS = 3  # that are reported
MODEL_INFO_TOPIC = f'{NODE}/model_info'


@dataclass(frozen=True)
class Selection:
    """Images of a bag that are taken.

    Args:
        topics: Topics of images.
        every: Take every so-many-th image of a topic.
        start: Time of recording of the first image, ns; None is the first of the bag.
        stop: Time after the last image, ns; None is the end of the bag.
    """

    topics: tuple[str, ...]
    every: int = 1
    start: int | None = None
    stop: int | None = None


def list_topics(topics: Sequence[str], outputs: Sequence[Output]) -> dict[str, str]:
    """Return the type of each topic of the output."""
    return {
        MODEL_INFO_TOPIC: MODEL_INFO,
        **{
            f'{camera}/{output.topic}': output.type
            for camera in name_cameras(topics).values()
            for output in outputs
        },
    }


def make_plan(
    bag: Bag, selection: Selection, detector: Detector, outputs: Sequence[Output]
) -> dict[str, Any]:
    """Return all that decides what the output is, to recognize it when a killed run goes on."""
    return {
        'bag': {
            'path': str(bag.path.resolve()),
            'start': bag.start,
            'end': bag.end,
            'messages': sum(topic.count for topic in bag.topics),
        },
        'selection': {**asdict(selection), 'topics': list(selection.topics)},
        'model': detector.model_id,
        'runtime': [detector.backend, str(detector.device), detector.precision],
        'options': asdict(detector.options),
        'outputs': [output.topic for output in outputs],
    }


class Replay:
    """Runs a detector over the images of a bag, and writes its outputs.

    Args:
        bag: Open bag of the images.
        selection: Images to process.
        detector: Detector, with its thresholds set.
        outputs: Outputs to write about each image.
        output: Parts that they are written to.
        part_images: Greatest number of images in a part; None puts all of them into one.

    Attributes:
        seconds: Seconds that each image of this run took, from message to detections.
        reasons: Why images could not be read; each reason once, and a few at most.
    """

    def __init__(
        self,
        bag: Bag,
        selection: Selection,
        detector: Detector,
        outputs: Sequence[Output],
        output: SpanOutput,
        part_images: int | None,
    ) -> None:
        self.reasons: list[str] = []
        self.seconds: list[float] = []
        self._bag = bag
        self._selection = selection
        self._detector = detector
        self._outputs = outputs
        self._output = output
        self._part_images = part_images
        self._cameras = name_cameras(selection.topics)

    @property
    def progress(self) -> Progress:
        """How far it has come, including what earlier runs did."""
        return self._output.progress

    def run(self, observer: Observer) -> None:
        """Process all images that are not done yet.

        Args:
            observer: Learns of each image, and may stop after it; what is done is kept.

        Raises:
            InputError: The disk is full, and the parts before are kept; or there is no image.
        """
        images = self._images()
        raw = next(images, None)
        with explain_full_disk(self._output.folder, lambda: self.progress.images):
            try:
                while raw is not None:
                    raw = self._write_part(raw, images, observer)
                    if observer.is_stopped():
                        break
            except OSError:
                self._output.discard()
                raise
        if self.progress.time is None:
            self._output.discard()
            raise InputError(
                f'bag {self._bag.path} must hold an image in what was asked for, got none'
            )

    def _note(self, reason: str) -> None:
        if reason not in self.reasons and len(self.reasons) < MOST_REASONS:
            self.reasons.append(reason)

    def _images(self) -> Iterator[RawFrame]:
        done, chosen = self.progress, self._selection
        span = Span(
            start=chosen.start if done.time is None else done.time,
            stop=chosen.stop,
            counts=done.counts,
            skip=done.at_time,
        )
        return read_raw(self._bag, chosen.topics, span=span)

    def _write_part(
        self, first: RawFrame, images: Iterator[RawFrame], observer: Observer
    ) -> RawFrame | None:
        """Write a part that begins with an image; return the image after it, if there is one."""
        progress = self.progress
        raw: RawFrame | None = first
        with self._output.open() as writer:
            if progress.time is None:
                self._write_model(writer, first)
            taken = 0
            while raw is not None and taken != self._part_images:
                progress = self._advance(progress, raw, writer)
                if raw.index % self._selection.every == 0:
                    taken += 1
                    observer.advance()
                raw = next(images, None)
                if observer.is_stopped():
                    break
        self._output.close(writer, replace(progress, is_complete=raw is None))
        return raw

    def _advance(self, before: Progress, raw: RawFrame, writer: BagWriter) -> Progress:
        """Process an image if it is to be taken, and return how far that is."""
        time, topic = raw.entry.time, raw.entry.topic
        images, skipped, instances = before.images, before.skipped, Counter(before.instances)
        if raw.index % self._selection.every == 0:
            try:
                frame = decode(self._bag, raw)
            except InputError as error:
                skipped += 1
                self._note(str(error))
            else:
                images += 1
                instances.update(self._process(frame, writer))
        return Progress(
            time=time,
            at_time=before.at_time + 1 if time == before.time else 1,
            counts={**before.counts, topic: raw.index + 1},
            images=images,
            skipped=skipped,
            instances=dict(instances),
        )

    def _process(self, frame: Frame, writer: BagWriter) -> list[str]:
        """Write all outputs about an image, and return the class of each instance."""
        detections = self._detector(frame.rgb)
        self.seconds.append(frame.seconds + self._detector.timing.total)
        sequence = frame.index // self._selection.every + 1
        result = to_result(frame, detections, sequence, self._detector)
        for output in self._outputs:
            topic = f'{self._cameras[frame.topic]}/{output.topic}'
            writer.write(topic, frame.time, output.make(bag_messages, result))
        return detections.class_names

    def _write_model(self, writer: BagWriter, first: RawFrame) -> None:
        """Write which model makes the detections, at the time of the first image."""
        time = first.entry.time
        writer.write(MODEL_INFO_TOPIC, time, to_model_info(self._detector, time))
