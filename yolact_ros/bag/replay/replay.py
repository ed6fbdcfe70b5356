"""A bag in, a bag of results out: every image, always the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.timing import Timing
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.io.types import MODEL_INFO
from yolact_ros.bag.io.writer import DISK_FULL, BagWriter
from yolact_ros.bag.replay.frames import Frame, RawFrame, Span, decode, read_raw
from yolact_ros.bag.replay.messages import make_header, to_model_info
from yolact_ros.bag.replay.outputs import NODE, Output, Processed, name_cameras
from yolact_ros.bag.replay.resumable_output import Parts, Progress

PART_SIZE = 100  # images
MOST_REASONS = 3  # that are told
MODEL_INFO_TOPIC = f'{NODE}/model_info'


@dataclass(frozen=True)
class Selection:
    """Which images are taken.

    Args:
        topics: Of images.
        every: Take every so-many-th image of a topic.
        start: Time of recording of the first, ns; None is the bag's first.
        stop: Time after the last, ns; None is the bag's end.
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
            f'{camera}/{output.name}': output.type
            for camera in name_cameras(topics).values()
            for output in outputs
        },
    }


def make_plan(
    bag: Bag, selection: Selection, detector: Detector, outputs: Sequence[Output]
) -> dict[str, Any]:
    """Return all that decides what the output is, to know it again after a kill."""
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
        'outputs': [output.name for output in outputs],
    }


class Replay:
    """Runs a detector over a bag.

    Args:
        bag: Open.
        selection: Which images.
        detector: Its options hold.
        outputs: What is written about each image.
        parts: Where it is written to.

    Attributes:
        timings: Seconds of decoding and of the detector, of each image of this run.
        reasons: Why images could not be read, each once, a few at most.
    """

    def __init__(
        self,
        bag: Bag,
        selection: Selection,
        detector: Detector,
        outputs: Sequence[Output],
        parts: Parts,
    ) -> None:
        self.reasons: list[str] = []
        self.timings: list[tuple[float, Timing]] = []
        self._bag = bag
        self._selection = selection
        self._detector = detector
        self._outputs = outputs
        self._parts = parts
        self._cameras = name_cameras(selection.topics)

    def run(self, on_image: Callable[[], None], is_stopped: Callable[[], bool]) -> bool:
        """Process all images that are not done yet.

        Args:
            on_image: Called after each image.
            is_stopped: Says after each image whether to end here; what is done is kept.

        Returns:
            Whether all is done.

        Raises:
            InputError: The disk is full, and the parts before are kept; or there is no image.
        """
        images = self._images()
        try:
            while (first := next(images, None)) is not None:
                self._write_part(first, images, on_image, is_stopped)
                if is_stopped():
                    return False
            self._refuse_nothing()
            self._parts.join()
        except OSError as error:
            self._parts.discard()
            if error.errno not in DISK_FULL:
                raise
            folder = self._parts.folder
            where = f' in {folder}' if folder.exists() else ''
            raise InputError(
                f'disk must have room for the results, but it is full ({error.strerror}); '
                f'{self.progress.images} images are done{where}, and the same command goes on'
            ) from error
        return True

    def _refuse_nothing(self) -> None:
        if self._parts.progress.time is None:
            self._parts.discard()
            raise InputError(
                f'bag {self._bag.path} must hold an image in what was asked for, got none'
            )

    @property
    def progress(self) -> Progress:
        """How far it has come, earlier runs included."""
        return self._parts.progress

    def _note(self, reason: str) -> None:
        if reason not in self.reasons and len(self.reasons) < MOST_REASONS:
            self.reasons.append(reason)

    def _images(self) -> Iterator[RawFrame]:
        done, chosen = self._parts.progress, self._selection
        span = Span(
            start=chosen.start if done.time is None else done.time,
            stop=chosen.stop,
            counts=done.counts,
            skip=done.at_time,
        )
        return read_raw(self._bag, chosen.topics, span=span)

    def _write_part(
        self,
        first: RawFrame,
        images: Iterator[RawFrame],
        on_image: Callable[[], None],
        is_stopped: Callable[[], bool],
    ) -> None:
        """Write a part that begins with an image, and with the model if it is the first one."""
        progress = self._parts.progress
        with self._parts.open() as writer:
            if progress.time is None:
                self._write_model(writer, first)
            taken = 0
            raw: RawFrame | None = first
            while raw is not None:
                progress = self._advance(progress, raw, writer)
                if raw.index % self._selection.every == 0:
                    taken += 1
                    on_image()
                if taken == PART_SIZE or is_stopped():
                    break
                raw = next(images, None)
        self._parts.close(writer, progress)

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
        """Write all outputs about an image; return the class of each instance."""
        detections = self._detector(frame.rgb)
        self.timings.append((frame.seconds, self._detector.timing))
        one = Processed(
            frame=frame,
            detections=detections,
            sequence=frame.index // self._selection.every + 1,
            detector=self._detector,
            timing=self._detector.timing,
        )
        for output in self._outputs:
            topic = f'{self._cameras[frame.topic]}/{output.name}'
            writer.write(topic, frame.time, output.make(one))
        return detections.class_names

    def _write_model(self, writer: BagWriter, first: RawFrame) -> None:
        """Write what makes the detections, as of the first image's time."""
        time = first.entry.time
        writer.write(MODEL_INFO_TOPIC, time, to_model_info(self._detector, make_header(time, '')))
