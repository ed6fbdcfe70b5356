"""``yolact detect``: instances in images, folders, videos and cameras."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from yolact_core.cli import stop_on_interrupt
from yolact_core.cli.model_options import DetectionOptions, ModelOptions
from yolact_core.cli.options import argument, group, names, option, whole_number
from yolact_core.errors import BAD_INPUT, INTERRUPTED, InputError
from yolact_core.files import require_folder
from yolact_core.media.ranges import BY_ENCODING, IMAGE_RANGE_HELP, ImageRange
from yolact_core.terminal import complain, progress_bar, say, say_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yolact_core.cli.detect_job import DetectJob, DetectSummary
    from yolact_core.media.sources import ImageFile, Video


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """Options of the pictures that are written."""

    color_by: Literal['class', 'instance', 'track'] = option('what has a colour', 'class')
    masks: bool = option(
        'also write masks/*.png, 16 bits: 0 background, or label of an annotation', False
    )
    no_overlay: bool = option('write no overlays', False)


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """Options that say which frames of videos and cameras are taken."""

    every: int = option('take every N-th frame', 1, type=whole_number, metavar='N')
    limit: int | None = option(
        'stop a video or camera after N frames taken (default: at its end or Ctrl-C)',
        type=whole_number,
        metavar='N',
    )
    no_tracks: bool = option('do not follow instances from frame to frame', False)
    trails: float = option(
        'draw the way that each track took in the last seconds', 0.0, metavar='SECONDS'
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact detect`` can be asked for."""

    sources: tuple[str, ...] = argument(
        'image, folder, pattern such as "runs/**/*.jpg", video, index of a camera, or address of '
        'a stream, such as rtsp://camera/live',
        nargs='+',
        metavar='SOURCE',
    )
    output: Path = option(
        'folder for overlays and detections.json', Path('out/detect'), metavar='DIR'
    )
    model: ModelOptions = group('model')
    detection: DetectionOptions = group('detections')
    classes: tuple[str, ...] = option(
        'look for these classes only (default: all)', (), type=names, metavar='NAME,NAME'
    )
    image_range: ImageRange = option(IMAGE_RANGE_HELP, BY_ENCODING)
    pictures: PictureOptions = group('pictures')
    videos: VideoOptions = group('videos and cameras')
    json: bool = option('print the summary as JSON', False)


def run(options: Options) -> int:
    """Find instances; a source that cannot be read is reported, and the others go on.

    Returns:
        0, or 2 if a source was bad, or 130 if Ctrl-C ended it early.
    """
    from yolact_core.media.sources import find_sources

    sources = find_sources(options.sources)
    _check_output(options.output, sources)
    from yolact_core.cli.detect_job import DetectJob
    from yolact_core.visualization import OverlayStyle

    pictures = options.pictures
    style = OverlayStyle(color_by=pictures.color_by, trails=options.videos.trails)
    detector = options.model.load(options.detection, classes=options.classes)
    drawn = None if pictures.no_overlay else style
    job = DetectJob(detector, options.output, drawn, pictures.masks, options.image_range)
    with stop_on_interrupt() as is_stopped:
        failures = _process(job, sources, options.videos, is_stopped)
        job.finish()
        summary = job.summary(failures)
        if options.json:
            say_json(dataclasses.asdict(summary))
        elif summary.images:
            say(_describe(summary))
        if is_stopped():
            return INTERRUPTED
    return BAD_INPUT if failures else 0


def _process(
    job: DetectJob,
    sources: Sequence[ImageFile | Video],
    videos: VideoOptions,
    is_stopped: Callable[[], bool],
) -> int:
    """Process all sources and return how many of them were bad."""
    from yolact_core.media.sources import ImageFile

    failures = 0
    only_images = all(isinstance(source, ImageFile) for source in sources)
    with progress_bar('detecting', len(sources) if only_images else None) as advance:
        for source in sources:
            if is_stopped():
                break
            try:
                if isinstance(source, ImageFile):
                    job.process_image(source)
                    advance()
                else:
                    job.process_video(
                        source,
                        is_stopped,
                        advance,
                        videos.every,
                        videos.limit,
                        not videos.no_tracks,
                    )
            except InputError as error:
                failures += 1
                complain(str(error))
    return failures


def _check_output(folder: Path, sources: Sequence[ImageFile | Video]) -> None:
    """Refuse a folder that cannot be written to, or where results would replace the sources.

    Raises:
        InputError: It is such a folder.
    """
    from yolact_core.media.sources import ImageFile

    require_folder(folder)
    for source in sources:
        path = source.path if isinstance(source, ImageFile) else source.device
        if isinstance(path, Path) and path.resolve().parent == folder.resolve():
            raise InputError(
                f'output must be another folder than that of the sources, got {str(folder)!r}: '
                f'{path.name} would be replaced'
            )


def _describe(summary: DetectSummary) -> str:
    """Put the summary in words."""
    per_class = ', '.join(f'{count} {name}' for name, count in summary.instances.items())
    stages = ', '.join(f'{stage} {ms:.1f}' for stage, ms in summary.milliseconds.items())
    images = f'{summary.images} image' + ('s' if summary.images != 1 else '')
    lines = [
        f'{images} by {summary.model} on {summary.device}: {per_class or "nothing found"}',
        f'ms per image (median): {stages}',
        f'written to {summary.output}',
    ]
    if summary.failures:
        lines.append(f'{summary.failures} of {summary.sources} sources could not be read')
    return '\n'.join(lines)
