"""Draw recorded results over the images of a bag, as a video."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.media.video_writing import write_video
from yolact_core.media.videos import USUAL_FPS
from yolact_core.palette import make_palette
from yolact_core.visualization import OverlayStyle, draw_overlay
from yolact_ros.bag.evaluate.predictors import RecordedPredictor
from yolact_ros.bag.io.bag import NS_PER_S, Bag
from yolact_ros.bag.replay.frames import Frame, RawFrame, Span, read_frames, read_raw
from yolact_ros.bag.replay.replay import ReplayFacts, ReplayJob
from yolact_ros.bag.replay.results import name_cameras

SLOWEST, FASTEST = 0.01, 1000.0  # images per second of a video
GAP = 10  # images that are left out, from which on a gap is worth telling


def write_overlay_videos(
    job: ReplayJob, facts: ReplayFacts, path: Path, style: OverlayStyle
) -> list[str]:
    """Write a video for each camera.

    Args:
        job: Job whose output, complete by now, has the instances.
        facts: What is known of its bag.
        path: Path of an mp4 file; with several cameras, each adds its topic to the name.
        style: What is drawn, and how.

    Returns:
        A sentence about each video.

    Raises:
        InputError: A video cannot be written.
    """
    sentences = []
    with Bag(job.bag, lambda _: None) as bag:
        for topic, camera in name_cameras(facts.images.topics).items():
            ending = '' if len(facts.images.topics) == 1 else topic.replace('/', '_')
            video = path.with_name(f'{path.stem}{ending}{path.suffix}')
            results = Bag(job.output, lambda _: None)
            with closing(RecordedPredictor(results, f'{camera}/instances', camera)) as instances:
                tempo = _find_tempo(bag, topic, job.selection.every, facts.images.whole)
                reading = read_frames(bag, [topic], job.selection, facts.images.whole)
                with write_video(video, tempo.rate) as add, closing(reading) as frames:
                    for image in _draw(frames, instances, style):
                        add(image)
            sentences.append(f'{video} has {tempo}')
    return sentences


def _draw(
    frames: Iterator[tuple[RawFrame, Frame | InputError]],
    instances: RecordedPredictor,
    style: OverlayStyle,
) -> Iterator[npt.NDArray[np.uint8]]:
    palette = make_palette(len(instances.class_names))
    for _, frame in frames:
        if not isinstance(frame, InputError):
            with suppress(InputError):
                found = instances.predict(frame)
                yield draw_overlay(frame.rgb, found.detections, style, palette, found.tracks)


@dataclass(frozen=True)
class Tempo:
    """How fast images follow each other.

    Args:
        rate: Images per second, by the median of all intervals.
        longest_gap: Longest interval, seconds.
    """

    rate: float
    longest_gap: float

    def __str__(self) -> str:
        text = f'{self.rate:.2f} images per second'
        is_even = self.longest_gap * self.rate < GAP
        return text if is_even else f'{text}, without gaps of up to {self.longest_gap:.1f} s'


def _find_tempo(bag: Bag, topic: str, every: int, span: Span) -> Tempo:
    """Return how fast the images of a topic follow each other."""
    times = [raw.entry.time for raw in read_raw(bag, [topic], every, span)]
    steps = [after - before for before, after in pairwise(times) if after > before]
    if not steps:
        return Tempo(USUAL_FPS, 0.0)
    rate = NS_PER_S / median(steps)
    return Tempo(min(max(rate, SLOWEST), FASTEST), max(steps) / NS_PER_S)
