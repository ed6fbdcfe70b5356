"""Draw recorded results over the images of a bag, as a video."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from yolact_core.errors import InputError
from yolact_core.media.video_writing import write_video
from yolact_core.media.videos import USUAL_FPS
from yolact_core.palette import make_palette
from yolact_core.visualization import OverlayStyle, draw_overlay
from yolact_ros.bag.evaluate.predictors import RecordedPredictor
from yolact_ros.bag.io.bag import NS_PER_S, Bag
from yolact_ros.bag.replay.frames import Span, decode, read_raw
from yolact_ros.bag.replay.replay import ReplayFacts, ReplayJob
from yolact_ros.bag.replay.results import name_cameras

RATE_SAMPLE = 100  # images from which the rate is measured


def write_overlay_videos(job: ReplayJob, facts: ReplayFacts, path: Path) -> list[Path]:
    """Write a video for each camera.

    Args:
        job: Job whose output, complete by now, has the instances.
        facts: What is known of its bag.
        path: Path of an mp4 file; with several cameras, each adds its topic to the name.

    Returns:
        Paths of the videos.

    Raises:
        InputError: A video cannot be written.
    """
    paths = []
    with Bag(job.bag, lambda _: None) as bag:
        for topic, camera in name_cameras(facts.images.topics).items():
            ending = '' if len(facts.images.topics) == 1 else topic.replace('/', '_')
            paths.append(path.with_name(f'{path.stem}{ending}{path.suffix}'))
            results = Bag(job.output, lambda _: None)
            with closing(RecordedPredictor(results, f'{camera}/instances', camera)) as instances:
                _write(bag, topic, job.selection.every, facts.images.whole, instances, paths[-1])
    return paths


def _write(
    bag: Bag, topic: str, every: int, span: Span, instances: RecordedPredictor, path: Path
) -> None:
    palette = make_palette(len(instances.class_names))
    with write_video(path, _find_rate(bag, topic, every, span)) as add:
        for raw in read_raw(bag, [topic], every, span):
            try:
                frame = decode(bag, raw)
            except InputError:
                continue
            found = instances.predict(frame).detections
            add(draw_overlay(frame.rgb, found, OverlayStyle(), palette))


def _find_rate(bag: Bag, topic: str, every: int, span: Span) -> float:
    """Return the rate of the first images, in images per second."""
    times = []
    for entry in bag.entries([topic], span.start, span.stop):
        times.append(entry.time)
        if len(times) > RATE_SAMPLE:
            break
    length = times[-1] - times[0] if times else 0
    if length == 0:
        return USUAL_FPS
    return (len(times) - 1) * NS_PER_S / length / every
