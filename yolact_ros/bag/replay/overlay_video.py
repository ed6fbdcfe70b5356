"""A video of results drawn over the images of a bag, made from the results afterwards."""

from __future__ import annotations

from pathlib import Path

from yolact_core.errors import InputError
from yolact_core.media.videos import USUAL_FPS, write_video
from yolact_core.palette import make_palette
from yolact_core.visualization import OverlayStyle, draw_overlay
from yolact_ros.bag.evaluate.predictors import ResultsFinder
from yolact_ros.bag.io.bag import NS_PER_S, Bag
from yolact_ros.bag.replay.frames import Span, decode, read_raw
from yolact_ros.bag.replay.outputs import name_cameras
from yolact_ros.bag.replay.replay import Selection

RATE_SAMPLE = 100  # images that tell how many there are in a second


def write_overlay_videos(bag: Bag, selection: Selection, results: Path, path: Path) -> list[Path]:
    """Write a video of each camera.

    Args:
        bag: Of the images.
        selection: Which of them.
        results: Bag of their instances, as ``Replay`` writes it.
        path: An mp4 file; several cameras add their topics to its name.

    Returns:
        The files.

    Raises:
        InputError: A video cannot be written.
    """
    paths = []
    for topic, camera in name_cameras(selection.topics).items():
        ending = '' if len(selection.topics) == 1 else topic.replace('/', '_')
        paths.append(path.with_name(f'{path.stem}{ending}{path.suffix}'))
        instances = ResultsFinder(Bag(results, lambda _: None), f'{camera}/instances', camera)
        with instances:
            _write(bag, selection, topic, instances, paths[-1])
    return paths


def _write(
    bag: Bag, selection: Selection, topic: str, instances: ResultsFinder, path: Path
) -> None:
    span = Span(selection.start, selection.stop)
    palette = make_palette(len(instances.class_names))
    with write_video(path, _find_rate(bag, selection, topic)) as add:
        for raw in read_raw(bag, [topic], selection.every, span):
            try:
                frame = decode(bag, raw)
            except InputError:
                continue
            found = instances.find(frame).detections
            add(draw_overlay(frame.rgb, found, OverlayStyle(), palette))


def _find_rate(bag: Bag, selection: Selection, topic: str) -> float:
    """Return images per second, from the first ones."""
    times = []
    for entry in bag.entries([topic], selection.start, selection.stop):
        times.append(entry.time)
        if len(times) > RATE_SAMPLE:
            break
    length = times[-1] - times[0] if times else 0
    if length == 0:
        return USUAL_FPS
    return (len(times) - 1) * NS_PER_S / length / selection.every
