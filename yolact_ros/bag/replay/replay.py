"""Run a detector over every image of a bag, and write a bag of results, always the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from yolact_core.errors import InputError
from yolact_core.tracking import SmallView
from yolact_ros.bag.executors.bag_runs import Part
from yolact_ros.bag.executors.executor import Observer, load_once
from yolact_ros.bag.image_selection import DepthSelection, ImageSelection
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.io.storage import MOST_REASONS
from yolact_ros.bag.io.writer import BagWriter
from yolact_ros.bag.replay.depth_topics import DepthTopics
from yolact_ros.bag.replay.frames import ChosenImages, Frame, Span
from yolact_ros.bag.replay.reading import BagImage, read_images
from yolact_ros.bag.replay.recorded_depth import RecordedDepth, Surroundings
from yolact_ros.bag.replay.results import (
    MODEL_INFO_TOPIC,
    VIEW,
    name_cameras,
    select_outputs,
    to_model_info,
    to_result,
)
from yolact_ros.bag.replay.resumable_output import Progress, SpanOutput, explain_full_disk
from yolact_ros.messages.builder import bag_messages


@dataclass(frozen=True)
class ReplayJob:
    """A bag of results to be written.

    Args:
        bag: Path of the bag of images.
        output: Path of the bag of results.
        outputs: Names of the outputs to write about each image.
        model: Name or file of the model.
        options: Options of ``Detector.load``.
        selection: Images that are taken.
        part_images: Number of images in a part of the output.
        restart: Whether to drop what an earlier run left unfinished.
        is_tracked: Whether instances are followed from image to image.
        depth: Topics of the depth and of the calibration, where they are named.
    """

    bag: Path
    output: Path
    outputs: tuple[str, ...]
    model: str
    options: dict[str, Any]
    selection: ImageSelection
    part_images: int
    restart: bool
    is_tracked: bool
    depth: DepthSelection = field(default_factory=DepthSelection)


@dataclass(frozen=True)
class ReplayFacts:
    """What is known of a bag before it is replayed.

    Args:
        types: Type of each topic of the output.
        views: Type of each topic of its parts that only tracks need.
        images: Images that were asked for.
        class_names: Classes that the model knows.
        part_images: Greatest number of images in a part; None if each span is one.
        resumed: Number of images that an earlier run did.
        depth: Depth and calibration beside each topic of images; empty where no output needs them.
    """

    types: dict[str, str]
    views: dict[str, str]
    images: ChosenImages
    class_names: tuple[str, ...]
    part_images: int | None
    resumed: int
    depth: dict[str, DepthTopics] = field(default_factory=dict)


@dataclass(frozen=True)
class ReplayedSpan:
    """A span that was replayed.

    Args:
        progress: How far it has come, including what earlier runs did.
        seconds: Seconds that each image of this run took, from message to detections.
        reasons: Why images could not be read; each reason once, and a few at most.
        depth_reasons: Why images have no depth, likewise.
    """

    progress: Progress
    seconds: tuple[float, ...] = ()
    reasons: tuple[str, ...] = ()
    depth_reasons: tuple[str, ...] = ()


class Replay:
    """Runs a detector over the images of a span, and writes its outputs.

    Args:
        bag: Bag of the images, open for reading.
        part: Part of the bag to replay, or to go on with where an earlier run ended.
    """

    def __init__(self, bag: Bag, part: Part[ReplayJob, ReplayFacts]) -> None:
        job, span = part.job, part.span
        before = Progress() if part.number == 0 else Progress(span.start, counts=dict(span.counts))
        self._bag = bag
        self._span = span
        self._facts = part.facts
        self._selection = job.selection
        self._detector = load_once(job.model, **job.options)
        self._outputs = select_outputs(job.outputs)
        types = {**part.facts.types, **part.facts.views}
        self._output = SpanOutput(job.output, part.number, types, before)
        self._cameras = name_cameras(part.facts.images.topics)
        self._depths = {
            topic: RecordedDepth(bag, beside) for topic, beside in part.facts.depth.items()
        }
        self._without_depth = 0
        self._depth_reasons: list[str] = []
        self._reasons: list[str] = []
        self._seconds: list[float] = []

    def run(self, observer: Observer) -> ReplayedSpan:
        """Process all images that are not done yet.

        Args:
            observer: Observer of each image, which may stop after it; what is done is kept.

        Raises:
            InputError: The disk is full, and the parts before are kept; or there is no image.
        """
        output = self._output
        with (
            closing(self._read()) as images,
            explain_full_disk(output.folder, lambda: output.progress.images),
        ):
            image = next(images, None)
            try:
                while image is not None:
                    image = self._write_part(image, images, observer)
                    if observer.is_stopped():
                        break
            except OSError:
                output.discard()
                raise
        if output.progress.time is None:
            output.discard()
            raise InputError(
                f'bag {self._bag.path} must hold an image in what was asked for, got none'
            )
        return ReplayedSpan(
            output.progress,
            tuple(self._seconds),
            tuple(self._reasons),
            tuple(self._depth_reasons),
        )

    def _read(self) -> Generator[BagImage, None, None]:
        """Iterate over the images that are not done, also those that are not taken."""
        done, span = self._output.progress, self._span
        start = span.start if done.time is None else done.time
        rest = Span(start, span.stop, done.counts, skip=done.at_time)
        images, selection = self._facts.images, self._selection
        return read_images(self._bag, images.topics, selection, rest, self._depths)

    def _write_part(
        self, first: BagImage, images: Iterator[BagImage], observer: Observer
    ) -> BagImage | None:
        """Write a part that begins with an image; return the image after it, if there is one."""
        progress = self._output.progress
        image: BagImage | None = first
        with self._output.open() as writer:
            if progress.time is None:  # which model this is, at the time of the first image
                time = first.raw.entry.time
                writer.write(MODEL_INFO_TOPIC, time, to_model_info(self._detector, time))
            taken = 0
            while image is not None and taken != self._facts.part_images:
                progress = self._advance(progress, image, writer)
                if image.frame is not None:
                    taken += 1
                    observer.advance()
                image = next(images, None)
                if observer.is_stopped():
                    break
        self._output.close(writer, replace(progress, is_complete=image is None))
        return image

    def _advance(self, before: Progress, image: BagImage, writer: BagWriter) -> Progress:
        """Process an image if it is to be taken, and return how far that is."""
        raw, frame = image.raw, image.frame
        time, topic = raw.entry.time, raw.entry.topic
        images, skipped, instances = before.images, before.skipped, Counter(before.instances)
        without_depth = before.without_depth - self._without_depth
        if isinstance(frame, InputError):
            skipped += 1
            _note(frame, self._reasons)
        elif frame is not None:
            images += 1
            instances.update(self._process(frame, image.beside, writer))
        is_skipped = skipped > before.skipped
        return Progress(
            time=time,
            at_time=before.at_time + 1 if time == before.time else 1,
            counts={**before.counts, topic: raw.index + 1},
            images=images,
            skipped=skipped,
            first_skipped=time if is_skipped and not before.skipped else before.first_skipped,
            last_skipped=time if is_skipped else before.last_skipped,
            instances=dict(instances),
            without_depth=without_depth + self._without_depth,
        )

    def _process(self, frame: Frame, beside: Surroundings, writer: BagWriter) -> list[str]:
        """Write all outputs about an image, and return the class of each instance."""
        detections = self._detector(frame.rgb)
        self._seconds.append(frame.seconds + self._detector.timing.total)
        sequence = frame.index // self._selection.every + 1
        result = to_result(frame, detections, sequence, self._detector)
        result = replace(result, camera_info=beside.camera_info, space=beside.space)
        if beside.error is not None:
            self._without_depth += 1
            _note(beside.error, self._depth_reasons)
        camera = self._cameras[frame.topic]
        if (topic := f'{camera}/{VIEW}') in self._facts.views:
            grey = SmallView.of(frame.rgb).grey
            writer.write(topic, frame.time, bag_messages.to_image(grey, 'mono8', result.header))
        for output in self._outputs:
            topic = f'{camera}/{output.topic}'
            message = output.make(bag_messages, result)
            if message is not None:
                writer.write(topic, frame.time, message)
        return detections.class_names


def _note(error: InputError, reasons: list[str]) -> None:
    """Remember a reason, each once and a few at most."""
    if str(error) not in reasons and len(reasons) < MOST_REASONS:
        reasons.append(str(error))
