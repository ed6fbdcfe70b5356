"""``yolact bag run``."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from yolact_core.cli.model_options import DetectionOptions, ModelOptions
from yolact_core.cli.options import argument, group, names, option
from yolact_core.errors import INTERRUPTED, InputError
from yolact_core.terminal import progress_bar, say, say_json
from yolact_ros.bag.commands.bag_paths import ChosenBags, name_results
from yolact_ros.bag.commands.options import (
    BAGS,
    Damages,
    SharingOptions,
    detector_options,
)
from yolact_ros.bag.image_selection import DepthSelection, ImageSelection

if TYPE_CHECKING:
    from yolact_core.detector import Detector
    from yolact_ros.bag.io.storage import Loss
    from yolact_ros.bag.replay.jobs import ReplayedBag
    from yolact_ros.bag.replay.replay import ReplayJob


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact bag run`` can be asked for."""

    bag: tuple[Path, ...] = argument(BAGS, nargs='*', metavar='BAG')
    sharing: SharingOptions = group('many bags, processes, machines')
    output: Path = option(
        '.mcap file of the results, or a new folder; of many bags the folder of their results; a '
        'run that was killed goes on',
        metavar='OUT',
        required=True,
    )
    outputs: tuple[str, ...] = option(
        'instances, label_image, label_image8, class_mask, confidence, overlay, '
        'overlay/compressed, prototypes, timing (which alone differs from run to run); with depth '
        'in the bag also objects, objects/points, markers, nav/points, nav/class_mask, '
        'nav/confidence, nav/camera_info; camera_info',
        'instances',
        metavar='NAME,NAME',
        type=names,
    )
    no_tracks: bool = option('do not follow instances from image to image', False)
    overlay: Path | None = option('also draw the results as a video', metavar='VIDEO.mp4')
    color_by: Literal['class', 'instance', 'track'] = option('what has a colour there', 'class')
    restart: bool = option('drop what an earlier run left unfinished', False)
    selection: ImageSelection = group('images')
    depth: DepthSelection = group('depth')
    model: ModelOptions = group('model')
    detection: DetectionOptions = group('detections')
    json: bool = option('print the summary as JSON', False)


def run(options: Options) -> int:
    """Write bags of results, and say what became of each bag.

    Returns:
        0, or 2 if something could not be read or done, or 130 if Ctrl-C ended it early.
    """
    from yolact_ros.bag.executors.bag_runs import Reporter
    from yolact_ros.bag.replay.jobs import replay_bags

    chosen = options.sharing.choose(options.bag)
    _check_overlay(options, chosen)
    outputs = _name_outputs(options, chosen)
    detector = options.model.load(options.detection)
    jobs = _list_jobs(options, chosen, outputs, detector)
    damages, needs_gpu = Damages(), detector.device.type == 'cuda'
    reporter = Reporter(progress_bar, damages)
    sharing = options.sharing
    try:
        with sharing.open_executor(is_shared=chosen.is_shared, needs_gpu=needs_gpu) as executor:
            bags = replay_bags(executor, jobs, sharing.part_images, reporter)
    except KeyboardInterrupt:
        say(f'stopped; what is done lies beside {options.output}, and the same command goes on')
        return INTERRUPTED
    for bag in bags:
        found: list[Loss | str] = [*bag.losses, *bag.failures]
        for damage in found:
            damages(damage)
    (first, *_) = bags
    if options.overlay and first.facts and first.is_complete and first.progress.images:
        from yolact_core.visualization import OverlayStyle
        from yolact_ros.bag.replay.overlay_video import write_overlay_videos

        style = OverlayStyle(color_by=options.color_by)
        first.remarks += write_overlay_videos(first.job, first.facts, options.overlay, style)
    _show(options, chosen, bags, detector.model_id, damages)
    is_stopped = any(not bag.failures and not bag.is_complete for bag in bags)
    return INTERRUPTED if is_stopped else damages.status


def _check_overlay(options: Options, chosen: ChosenBags) -> None:
    """Refuse a video that could not be written once all the work is done.

    Raises:
        InputError: It would be no mp4 file, or there are several bags.
    """
    path = options.overlay
    if path is not None and path.suffix.lower() != '.mp4':
        raise InputError(f'--overlay must be a file that ends in .mp4, got {str(path)!r}')
    if path is not None and not chosen.is_single:
        raise InputError('--overlay must go with one bag, got several')


def _name_outputs(options: Options, chosen: ChosenBags) -> list[Path]:
    """Return where the results of each bag go.

    Raises:
        InputError: They would lie in a bag that is read, or do not fit the bags.
    """
    outputs = [options.output]
    if not chosen.is_single:
        outputs = name_results(chosen.paths, options.output)
    for output, bag in zip(outputs, chosen.paths, strict=True):
        if bag.resolve() in (output.resolve(), *output.resolve().parents):
            raise InputError(f'output must lie outside the bag, got {str(output)!r}')
    return outputs


def _list_jobs(
    options: Options, chosen: ChosenBags, outputs: list[Path], detector: Detector
) -> list[ReplayJob]:
    """Return the bags of results to be written, with the model that was loaded.

    Raises:
        InputError: An output about images is unknown.
    """
    from yolact_ros.bag.executors.executor import keep_loaded
    from yolact_ros.bag.replay.replay import ReplayJob
    from yolact_ros.bag.replay.results import select_outputs

    drawn = {'instances'} if options.overlay else set()  # a video is drawn from instances
    names = tuple(one.topic for one in select_outputs(sorted({*options.outputs} | drawn)))
    pinned = {
        **detector_options(options.model, options.detection),
        'score_threshold': options.detection.score_threshold,
        'device': str(detector.device),  # the same for all workers
        'backend': detector.backend,
    }
    if not chosen.is_shared:
        keep_loaded(detector, options.model.model, **pinned)
    return [
        ReplayJob(
            bag=bag,
            output=output,
            outputs=names,
            model=options.model.model,
            options=pinned,
            selection=options.selection,
            part_images=options.sharing.part_images,
            restart=options.restart,
            is_tracked=not options.no_tracks,
            depth=options.depth,
        )
        for bag, output in zip(chosen.paths, outputs, strict=True)
    ]


def _show(
    options: Options,
    chosen: ChosenBags,
    bags: list[ReplayedBag],
    model: str,
    damages: Damages,
) -> None:
    """Say what became of each bag."""
    summaries = []
    for bag in bags:
        summary = {'model': model, 'output': str(bag.job.output), **_summarize(bag)}
        if chosen.is_shared:
            summary = {'bag': str(bag.job.bag), **summary, 'failures': bag.failures}
        summaries.append(summary)
        if not options.json and bag.facts is not None:
            say(_describe(summary, bag))
    if options.json:
        shown = summaries[0] if chosen.is_single else {'bags': summaries}
        say_json({**shown, 'losses': damages.losses})


def _summarize(bag: ReplayedBag) -> dict[str, Any]:
    """Return what was done as plain values; only ``median_seconds`` differs from run to run."""
    done = bag.progress
    seconds = [one for span in bag.results for one in span.seconds]
    return {
        'images': done.images,
        'of_earlier_run': bag.facts.resumed if bag.facts else 0,
        'skipped': done.skipped,
        'instances': dict(sorted(done.instances.items(), key=lambda item: -item[1])),
        'median_seconds': statistics.median(seconds) if seconds else None,
        'reasons': list(dict.fromkeys(reason for span in bag.results for reason in span.reasons)),
    }


def _describe(summary: dict[str, Any], bag: ReplayedBag) -> str:
    """Return a summary in words."""
    per_class = ', '.join(f'{count} {name}' for name, count in summary['instances'].items())
    lines = [f'{summary["images"]} images by {summary["model"]}: {per_class or "nothing found"}']
    if summary['of_earlier_run']:
        lines.append(f'{summary["of_earlier_run"]} of them were done by an earlier run')
    if summary['skipped']:
        lines.append(f'{summary["skipped"]} images could not be read and were skipped')
    if summary['median_seconds'] is not None:
        lines.append(f'{1000 * summary["median_seconds"]:.1f} ms per image (median)')
    lines += bag.remarks
    lines.append(
        f'written to {summary["output"]}'
        if bag.is_complete
        else f'stopped; what is done is in {bag.folder}, and the same command goes on'
    )
    return '\n'.join(lines)
