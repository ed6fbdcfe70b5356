"""``yolact detect``: instances in images, folders, videos and cameras."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from yolact_core.cli import stop_on_interrupt
from yolact_core.cli.model_options import DetectionOptions, ModelOptions
from yolact_core.cli.options import argument, group, names, option, whole_number
from yolact_core.errors import BAD_INPUT, INTERRUPTED, InputError
from yolact_core.files import require_folder
from yolact_core.media.ranges import BY_ENCODING, IMAGE_RANGE_HELP, ImageRange
from yolact_core.terminal import complain, progress_bar, say, say_json, say_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table

    from yolact_core.cli.detect_job import DetectJob, DetectSummary
    from yolact_core.media.depth_files import Scene
    from yolact_core.media.sources import ImageFile, Video


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """Options of the pictures that are written."""

    color_by: Literal['class', 'instance', 'track'] = option(
        'what has a colour of its own; tracks are in videos', 'class'
    )
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
    no_tracks: bool = option(
        'do not follow instances from frame to frame: no track_id, no numbers in overlays', False
    )
    trails: float = option(
        'draw the way that each track took in the last seconds', 0.0, metavar='SECONDS'
    )


@dataclass(frozen=True, kw_only=True)
class DepthOptions:
    """Options of the depth behind one picture."""

    depth: Path | None = option(
        'depth that is registered to the picture: 16-bit PNG or TIFF in mm, 32-bit TIFF in m; '
        'tells where in space instances are',
        metavar='FILE',
    )
    camera: Path | None = option(
        'calibration of the picture, as calibrators of ROS write it', metavar='FILE.yaml'
    )
    rectified: bool = option("the lens's distortion is taken out of picture and depth", False)
    points: Path | None = option(
        'also write the points of the instances, .ply or .pcd', metavar='FILE'
    )

    def read(self, sources: Sequence[ImageFile | Video]) -> Scene | None:
        """Return what is known of the space in the picture; None without depth.

        Args:
            sources: Pictures and videos that are searched.

        Raises:
            InputError: Options or sources do not fit, or a file cannot be read.
        """
        if self.depth is None and self.camera is None and self.points is None:
            return None
        if self.depth is None or self.camera is None:
            raise InputError('--depth and --camera must be given together')
        from yolact_core.media.depth_files import Scene
        from yolact_core.media.point_files import check_points_file
        from yolact_core.media.sources import ImageFile

        source = sources[0]
        if len(sources) > 1 or not isinstance(source, ImageFile):
            got = f'{len(sources)} sources' if len(sources) > 1 else f'the video {source.name}'
            raise InputError(f'--depth must go with one picture, got {got}')
        if self.points is not None:
            check_points_file(self.points)
        return Scene.read(source.path, self.depth, self.camera, is_rectified=self.rectified)


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
    space: DepthOptions = group('depth behind a picture')
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
    scene = options.space.read(sources)
    from yolact_core.cli.detect_job import DetectJob
    from yolact_core.visualization import OverlayStyle

    pictures = options.pictures
    style = OverlayStyle(color_by=pictures.color_by, trails=options.videos.trails)
    detector = options.model.load(options.detection, classes=options.classes)
    drawn = None if pictures.no_overlay else style
    job = DetectJob(detector, options.output, drawn, pictures.masks)
    with stop_on_interrupt() as is_stopped:
        failures = _process(job, sources, options, scene, is_stopped)
        job.finish()
        summary = job.summary(failures)
        if options.json:
            say_json(dataclasses.asdict(summary))
        elif summary.images:
            say(_describe(summary))
            if summary.objects:
                say_table(_tabulate(summary))
        if is_stopped():
            return INTERRUPTED
    return BAD_INPUT if failures else 0


def _process(
    job: DetectJob,
    sources: Sequence[ImageFile | Video],
    options: Options,
    scene: Scene | None,
    is_stopped: Callable[[], bool],
) -> int:
    """Process all sources and return how many of them were bad."""
    from yolact_core.media.reading import read_files
    from yolact_core.media.sources import ImageFile, Video

    failures, videos = 0, options.videos
    only_images = all(isinstance(source, ImageFile) for source in sources)
    bar = progress_bar('detecting', len(sources) if only_images else None)
    with bar as advance, closing(read_files(sources, options.image_range)) as files:
        for source in files:
            if is_stopped():
                break
            try:
                if isinstance(source, Video):
                    job.process_video(
                        source,
                        is_stopped,
                        advance,
                        videos.every,
                        videos.limit,
                        not videos.no_tracks,
                    )
                else:
                    job.process_image(source, scene, options.space.points)
                    advance()
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
        *([f'tracks in videos: {summary.tracks}'] if summary.tracks else []),
        f'ms per image (median): {stages}',
        f'written to {summary.output}',
    ]
    if summary.failures:
        lines.append(f'{summary.failures} of {summary.sources} sources could not be read')
    return '\n'.join(lines)


def _tabulate(summary: DetectSummary) -> Table:
    """Return how far away each instance is, and how large what is visible of it."""
    from rich.table import Table

    table = Table('class', 'score', 'distance, m', 'size, m', box=None, pad_edge=False)
    for found in summary.objects:
        depth, size = found['depth'], found['size']
        table.add_row(
            found['class'],
            f'{found["score"]:.2f}',
            'unknown' if depth is None else f'{depth:.2f}',
            '' if size is None else ' x '.join(f'{edge:.2f}' for edge in size),
        )
    return table
