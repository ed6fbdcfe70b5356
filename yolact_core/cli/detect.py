"""``yolact detect``: instances in images, folders, videos and cameras."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.cli.model_options import (
    add_detection_options,
    add_model_options,
    load_detector,
)
from yolact_core.cli.options import whole_number
from yolact_core.cli.status import BAD_INPUT, INTERRUPTED
from yolact_core.errors import InputError
from yolact_core.terminal import complain, progress_bar, say, say_json, stop_on_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yolact_core.cli.detect_job import DetectJob, Summary
    from yolact_core.media.sources import ImageFile, Video

DEFAULT_OUTPUT = 'out/detect'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='SOURCE',
        help='image, folder, pattern such as "runs/**/*.jpg", video, or index of a camera',
    )
    parser.add_argument(
        '--output',
        type=Path,
        default=Path(DEFAULT_OUTPUT),
        metavar='DIR',
        help='folder for overlays and detections.json',
    )
    add_model_options(parser)
    add_detection_options(parser)
    parser.add_argument(
        '--classes',
        type=_names,
        default=(),
        metavar='NAME,NAME',
        help='look for these classes only (default: all)',
    )
    pictures = parser.add_argument_group('pictures')
    pictures.add_argument(
        '--color-by', choices=('class', 'instance'), default='class', help='what has a colour'
    )
    pictures.add_argument(
        '--masks',
        action='store_true',
        help='also write masks/*.png, 16 bits: 0 background, or label of an annotation',
    )
    pictures.add_argument('--no-overlay', action='store_true', help='write no overlays')
    videos = parser.add_argument_group('videos and cameras')
    videos.add_argument(
        '--every', type=whole_number, default=1, metavar='N', help='take every N-th frame'
    )
    videos.add_argument(
        '--limit',
        type=whole_number,
        metavar='N',
        help='stop a video or camera after N frames taken (default: at its end or Ctrl-C)',
    )
    parser.add_argument('--json', action='store_true', help='print the summary as JSON')


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(','))


def run(arguments: argparse.Namespace) -> int:
    """Find instances; what is wrong with one source is told, and the others go on.

    Returns:
        0, or 2 if a source was bad, or 130 if Ctrl-C ended it early.
    """
    from yolact_core.media.sources import find_sources

    sources = find_sources(arguments.sources)
    _check_output(arguments.output, sources)
    from yolact_core.cli.detect_job import DetectJob

    detector = load_detector(arguments, classes=arguments.classes)
    job = DetectJob(detector, arguments)
    with stop_on_interrupt() as is_stopped:
        failures = _process(job, sources, is_stopped)
        job.finish()
        summary = job.summary(failures)
        if arguments.json:
            say_json(summary.to_mapping())
        elif summary.images:
            say(_describe(summary))
        if is_stopped():
            return INTERRUPTED
    return BAD_INPUT if failures else 0


def _process(
    job: DetectJob, sources: Sequence[ImageFile | Video], is_stopped: Callable[[], bool]
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
                    job.process_video(source, is_stopped, advance)
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

    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError(f'output must be a folder that can be written to, got {str(folder)!r}')
    for source in sources:
        path = source.path if isinstance(source, ImageFile) else source.device
        if isinstance(path, Path) and path.resolve().parent == folder.resolve():
            raise InputError(
                f'output must be another folder than that of the sources, got {str(folder)!r}: '
                f'{path.name} would be replaced'
            )


def _describe(summary: Summary) -> str:
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
