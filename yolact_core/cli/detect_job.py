"""Detect in many pictures and videos, and write overlays, masks and one data set."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.coco_export import CocoExport
from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.lifting import Objects
from yolact_core.media.depth_files import Scene
from yolact_core.media.image_files import JPEG_SUFFIXES, write_image
from yolact_core.media.point_files import write_objects
from yolact_core.media.reading import ReadFile, read_video
from yolact_core.media.sources import Video
from yolact_core.media.video_writing import Add, write_video
from yolact_core.media.videos import VideoReader
from yolact_core.palette import make_palette
from yolact_core.timing import Timing
from yolact_core.tracking import Tracker, Tracks, Trails
from yolact_core.visualization import OverlayStyle, draw_overlay


@dataclass(frozen=True)
class DetectSummary:
    """What a job has done.

    Args:
        model: Name of the configuration.
        device: Device that the network ran on.
        output: Folder of the results.
        sources: Number of images, videos and cameras that were begun.
        failures: Number of sources that could not be read to their end.
        images: Number of images, frames of videos included, that were searched for instances.
        instances: Number of instances of each class, most frequent class first.
        tracks: Number of objects that were followed in videos.
        milliseconds: Median time per image of each stage.
        objects: Class and score of each instance in front of depth, and where in space it is.
    """

    model: str
    device: str
    output: str
    sources: int
    failures: int
    images: int
    instances: dict[str, int]
    tracks: int
    milliseconds: dict[str, float]
    objects: list[dict[str, Any]]


class DetectJob:
    """Takes sources one after the other and writes what was found in them.

    Args:
        detector: Detector that finds the instances.
        output: Folder of the results.
        style: What overlays show; None writes no overlays.
        with_masks: Whether label images are written too.
    """

    def __init__(
        self,
        detector: Detector,
        output: Path,
        style: OverlayStyle | None = None,
        with_masks: bool = False,
    ) -> None:
        self._detector = detector
        self._output = output
        self._style = style
        self._with_masks = with_masks
        by_class = style is not None and style.color_by == 'class'
        self._palette = make_palette(len(detector.class_names)) if by_class else None
        self._export = CocoExport(detector.class_names, detector.config.name)
        self._instances: Counter[str] = Counter()
        self._numbers = count(1)  # of tracks, which no two videos share
        self._tracks: set[str] = set()
        self._timings: list[Timing] = []
        self._sources = 0

    def process_image(
        self, file: ReadFile, scene: Scene | None = None, points: Path | None = None
    ) -> None:
        """Write overlay and masks of one image.

        Args:
            file: The image.
            scene: Depth behind the image, where it has any.
            points: File for the points of the objects; None writes none.

        Raises:
            InputError: It cannot be read, or the results cannot be written.
        """
        self._sources += 1
        source, rgb = file.source, file.rgb
        if isinstance(rgb, InputError):
            raise rgb
        detections = self._detect(rgb)
        objects = None if scene is None else scene.lift(detections)
        if objects is not None and points is not None:
            write_objects(points, rgb, objects)
        if self._style:
            suffix = '.jpg' if source.path.suffix.lower() in JPEG_SUFFIXES else '.png'
            overlay = draw_overlay(rgb, detections, self._style, self._palette)
            write_image(self._output / f'{source.stem}{suffix}', overlay)
        self._write_masks(source.stem, detections)
        self._record(source.name, detections, objects=objects)

    def process_video(
        self,
        source: Video,
        is_stopped: Callable[[], bool],
        advance: Callable[[], None],
        every: int = 1,
        limit: int | None = None,
        is_tracked: bool = True,
    ) -> None:
        """Write overlay and masks of a video or camera, as far as it can be read.

        Args:
            source: The video or camera.
            is_stopped: Function that is asked after each image whether to stop there.
            advance: Function that is called after each image.
            every: Take every so-many-th image only.
            limit: Number of images after which to stop; None reads to the end.
            is_tracked: Whether instances are followed from image to image.

        Raises:
            InputError: It cannot be read to its end, or the results cannot be written.
        """
        self._sources += 1
        with ExitStack() as stack:
            reader = stack.enter_context(closing(VideoReader(source.device)))
            add: Add | None = None
            tracker = Tracker(numbers=self._numbers) if is_tracked else None
            trails = Trails()
            images = stack.enter_context(closing(read_video(reader, every, limit)))
            for taken, (position, seconds, rgb) in enumerate(images, start=1):
                detections = self._detect(rgb)
                tracks = tracker.update(detections, seconds, rgb) if tracker else None
                if self._style:
                    if tracks:
                        length = self._style.trails
                        tracks = trails.follow(tracks, detections, seconds, length)
                    if add is None:
                        path = self._output / f'{source.stem}.mp4'
                        add = stack.enter_context(write_video(path, reader.fps / every))
                    overlay = draw_overlay(rgb, detections, self._style, self._palette, tracks)
                    add(overlay, seconds)
                self._write_masks(f'{source.stem}/{position:06d}', detections)
                self._record(f'{source.name}#{position}', detections, tracks, frame=position)
                advance()
                if taken == limit or is_stopped():
                    return
        reader.require_whole()

    def finish(self) -> None:
        """Write ``detections.json`` if any image could be read.

        Raises:
            OSError: It cannot be written.
        """
        if len(self._export) == 0:
            return
        with replace_when_done(self._output / 'detections.json') as unfinished:
            unfinished.write_text(json.dumps(self._export.to_mapping()) + '\n', encoding='utf-8')

    def summary(self, failures: int) -> DetectSummary:
        """Return what was done.

        Args:
            failures: Number of sources that could not be read to their end.
        """
        stages = [*(field.name for field in dataclasses.fields(Timing)), 'total']
        return DetectSummary(
            model=self._detector.config.name,
            device=str(self._detector.device),
            output=str(self._output),
            sources=self._sources,
            failures=failures,
            images=len(self._export),
            instances=dict(self._instances.most_common()),
            tracks=len(self._tracks),
            milliseconds={
                stage: 1000 * statistics.median(getattr(timing, stage) for timing in self._timings)
                for stage in stages
                if self._timings
            },
            objects=self._export.list_objects(),
        )

    def _detect(self, rgb: npt.NDArray[np.uint8]) -> Detections:
        detections = self._detector(rgb)
        self._timings.append(self._detector.timing)
        return detections

    def _write_masks(self, stem: str, detections: Detections) -> None:
        if self._with_masks:
            path = self._output / 'masks' / f'{stem}.png'
            write_image(path, detections.masks.label_image())

    def _record(
        self,
        name: str,
        detections: Detections,
        tracks: Tracks | None = None,
        objects: Objects | None = None,
        **facts: int,
    ) -> None:
        self._export.add(name, detections, tracks, objects, **facts)
        self._instances.update(detections.class_names)
        self._tracks.update(filter(None, tracks.ids if tracks else ()))
