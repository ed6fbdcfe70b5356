"""The work of ``yolact detect``: detect, draw, write, count."""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.dataset.coco_export import CocoExport
from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.media.image_files import JPEG_SUFFIXES, read_image, write_image
from yolact_core.media.sources import ImageFile, Video
from yolact_core.media.videos import VideoReader, write_video
from yolact_core.palette import make_palette
from yolact_core.timing import Timing
from yolact_core.visualization import OverlayStyle, draw_overlay


@dataclass(frozen=True)
class Summary:
    """What was done.

    Args:
        model: Name of the configuration.
        device: Where the network ran.
        output: Folder of the results.
        sources: Images, videos and cameras that were begun.
        failures: How many of them were bad.
        images: Images, and frames of videos, in which instances were sought.
        instances: How many were found of each class, most first.
        milliseconds: Median per image, by stage.
    """

    model: str
    device: str
    output: str
    sources: int
    failures: int
    images: int
    instances: dict[str, int]
    milliseconds: dict[str, float]

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values."""
        return dataclasses.asdict(self)


class DetectJob:
    """Takes sources one after the other and writes what was found in them.

    Args:
        detector: Finds the instances.
        arguments: Of the command line: output, masks, no_overlay, color_by, every, limit.
    """

    def __init__(self, detector: Detector, arguments: argparse.Namespace) -> None:
        self._detector = detector
        self._arguments = arguments
        self._style = OverlayStyle(color_by=arguments.color_by)
        class_count = len(detector.class_names)
        self._palette = make_palette(class_count) if arguments.color_by == 'class' else None
        self._export = CocoExport(detector.class_names, detector.config.name)
        self._instances: Counter[str] = Counter()
        self._timings: list[Timing] = []
        self._sources = 0

    def process_image(self, source: ImageFile) -> None:
        """Write overlay and masks of one image.

        Raises:
            InputError: It cannot be read, or the results cannot be written.
        """
        self._sources += 1
        rgb = read_image(source.path)
        detections = self._detect(rgb)
        if not self._arguments.no_overlay:
            suffix = '.jpg' if source.path.suffix.lower() in JPEG_SUFFIXES else '.png'
            overlay = draw_overlay(rgb, detections, self._style, self._palette)
            write_image(self._arguments.output / f'{source.stem}{suffix}', overlay)
        self._write_masks(source.stem, detections)
        self._record(source.name, detections)

    def process_video(
        self, source: Video, is_stopped: Callable[[], bool], advance: Callable[[], None]
    ) -> None:
        """Write overlay and masks of a video or camera, as far as it can be read.

        Args:
            source: The video or camera.
            is_stopped: Says after each image whether to end here.
            advance: Called after each image.

        Raises:
            InputError: It cannot be read to its end, or the results cannot be written.
        """
        self._sources += 1
        every, limit = self._arguments.every, self._arguments.limit
        with ExitStack() as stack:
            reader = VideoReader(source.device)
            stack.callback(reader.close)
            add: Callable[[npt.NDArray[np.uint8]], None] | None = None
            for taken, (position, rgb) in enumerate(reader.images(every), start=1):
                detections = self._detect(rgb)
                if not self._arguments.no_overlay:
                    if add is None:
                        path = self._arguments.output / f'{source.stem}.mp4'
                        add = stack.enter_context(write_video(path, reader.fps / every))
                    add(draw_overlay(rgb, detections, self._style, self._palette))
                self._write_masks(f'{source.stem}/{position:06d}', detections)
                self._record(f'{source.name}#{position}', detections, frame=position)
                advance()
                if taken == limit or is_stopped():
                    return
        if reader.is_cut_off:
            raise InputError(
                f'{source.device} must be a whole video, but of {reader.length} frames '
                f'{reader.images_read} can be read'
            )

    def finish(self) -> None:
        """Write ``detections.json`` if any image could be read.

        Raises:
            OSError: It cannot be written.
        """
        if len(self._export) == 0:
            return
        with replace_when_done(self._arguments.output / 'detections.json') as unfinished:
            unfinished.write_text(json.dumps(self._export.to_mapping()) + '\n', encoding='utf-8')

    def summary(self, failures: int) -> Summary:
        """Return what was done.

        Args:
            failures: How many sources were bad.
        """
        stages = [*(field.name for field in dataclasses.fields(Timing)), 'total']
        return Summary(
            model=self._detector.config.name,
            device=str(self._detector.device),
            output=str(self._arguments.output),
            sources=self._sources,
            failures=failures,
            images=len(self._export),
            instances=dict(self._instances.most_common()),
            milliseconds={
                stage: 1000 * statistics.median(getattr(timing, stage) for timing in self._timings)
                for stage in stages
                if self._timings
            },
        )

    def _detect(self, rgb: npt.NDArray[np.uint8]) -> Detections:
        detections = self._detector(rgb)
        self._timings.append(self._detector.timing)
        return detections

    def _write_masks(self, stem: str, detections: Detections) -> None:
        if self._arguments.masks:
            path = self._arguments.output / 'masks' / f'{stem}.png'
            write_image(path, detections.masks.label_image())

    def _record(self, name: str, detections: Detections, **facts: int) -> None:
        self._export.add(name, detections, **facts)
        self._instances.update(detections.class_names)
