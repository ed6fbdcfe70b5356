"""``yolact bag evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_core.cli.model_options import DetectionOptions, ModelOptions
from yolact_core.cli.options import argument, group, option
from yolact_core.errors import InputError
from yolact_core.terminal import progress_bar, say_json
from yolact_ros.bag.commands.bag_paths import ChosenBags
from yolact_ros.bag.commands.options import (
    BAGS,
    REPORT,
    TRACKS,
    TRUTH,
    Damages,
    LimitOptions,
    SharingOptions,
    check_limits,
    check_report,
    detector_options,
)
from yolact_ros.bag.image_selection import ImageSelection

if TYPE_CHECKING:
    from yolact_ros.bag.evaluate.figures.summary import BagFigures
    from yolact_ros.bag.evaluate.jobs import EvaluatedBag
    from yolact_ros.bag.evaluate.plan import Candidate
    from yolact_ros.bag.io.storage import Loss


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact bag evaluate`` can be asked for."""

    bag: tuple[Path, ...] = argument(BAGS, nargs='*', metavar='BAG')
    sharing: SharingOptions = group('many bags, processes, machines')
    truth: tuple[str, ...] = option(TRUTH, (), metavar='TOPIC_OR_JSON')
    selection: ImageSelection = group('images')
    model: ModelOptions = group('model')
    detection: DetectionOptions = group('detections')
    results: str | None = option(
        'evaluate results that were recorded, instead of running a model', metavar='BAG[#TOPIC]'
    )
    tracks: bool = option(TRACKS, False)
    limits: LimitOptions = group('limits')
    report: Path | None = option(REPORT, metavar='FILE.html')
    per_class: bool = option('also list every class', False)
    json: bool = option('write all figures as JSON', False)


def run(options: Options) -> int:
    """Evaluate and show the figures; limits are on those of all bags together.

    Returns:
        0; 1 if a limit is broken; 2 if something could not be read or done.
    """
    from yolact_ros.bag.evaluate.jobs import evaluate_bags, kept_evaluation
    from yolact_ros.bag.evaluate.plan import EvaluationPlan
    from yolact_ros.bag.executors.bag_runs import Reporter

    check_report(options.report)
    limits = options.limits.parse()
    sharing = options.sharing
    chosen = sharing.choose(options.bag)
    if options.report and not chosen.is_single:
        raise InputError('--report must go with one bag, got several')
    candidate, needs_gpu = _choose_candidate(options, chosen)
    threshold = options.detection.score_threshold
    plans = [
        EvaluationPlan(
            bag, (candidate,), options.truth, threshold, options.selection, options.tracks
        )
        for bag in chosen.paths
    ]
    damages = Damages()
    with (
        closing(kept_evaluation),
        sharing.open_executor(is_shared=chosen.is_shared, needs_gpu=needs_gpu) as executor,
    ):
        reporter = Reporter(progress_bar, damages)
        bags = evaluate_bags(executor, plans, sharing.part_images, reporter)
        if not chosen.is_shared and not bags[0].records:
            raise InputError('bag must hold an image in what was asked for, got none')
        for bag in bags:
            found: list[Loss | str] = [*bag.losses, *bag.failures]
            for damage in found:
                damages(damage)
        evaluated = [bag for bag in bags if bag.facts and bag.records]
        if not evaluated:
            return damages.status
        total = _summarize(evaluated)
        if options.report:
            from yolact_ros.bag.report.report import write_report

            write_report(options.report, evaluated[0], [total])
    if chosen.is_single:
        _show_one(options, evaluated[0], total, damages)
    else:
        _show_many(options, bags, total, damages)
    return damages.status or check_limits(limits, total.figures())


def _choose_candidate(options: Options, chosen: ChosenBags) -> tuple[Candidate, bool]:
    """Return what is evaluated, in the same way by all workers, and whether on a GPU.

    Raises:
        InputError: An option is outside its range, or the model cannot be loaded.
    """
    from yolact_ros.bag.evaluate.plan import Candidate

    loading = detector_options(options.model, options.detection)
    if options.results:
        return Candidate(options.results), False
    if not chosen.is_shared:
        return Candidate(options.model.model, loading), False
    detector = options.model.load(options.detection)
    pinned = {**loading, 'device': str(detector.device), 'backend': detector.backend}
    return Candidate(options.model.model, pinned), detector.device.type == 'cuda'


def _summarize(bags: Sequence[EvaluatedBag]) -> BagFigures:
    """Return the figures of all images together."""
    from yolact_ros.bag.evaluate.figures.summary import summarize
    from yolact_ros.bag.evaluate.records import merge_bags

    records, class_names = merge_bags(
        [(bag.records, bag.facts.class_names) for bag in bags if bag.facts]
    )
    candidates = next(bag.facts.names for bag in bags if bag.facts)
    return summarize(records, candidates, class_names)


def _show_one(options: Options, bag: EvaluatedBag, figures: BagFigures, damages: Damages) -> None:
    from yolact_ros.bag.commands.tables import show, to_mapping

    if bag.facts is None:
        return
    if options.json:
        failures = {'failures': bag.failures} if bag.failures else {}
        figures_of_bag = to_mapping(bag.job, bag.facts, figures)
        say_json({**figures_of_bag, **failures, 'losses': damages.losses})
    else:
        show(bag.job, bag.facts, figures, with_classes=options.per_class)


def _show_many(
    options: Options, bags: Sequence[EvaluatedBag], total: BagFigures, damages: Damages
) -> None:
    from yolact_ros.bag.commands.tables import show_all, to_mapping

    mappings: list[dict[str, Any]] = []
    rows = []
    for bag in bags:
        mapping: dict[str, Any] = {'bag': str(bag.job.bag)}
        if bag.facts and bag.records:
            figures = _summarize([bag])
            mapping = to_mapping(bag.job, bag.facts, figures)
            rows.append((str(bag.job.bag), figures))
        losses = [loss for loss in damages.losses if loss['bag'] == str(bag.job.bag)]
        mappings.append({**mapping, 'failures': bag.failures, 'losses': losses})
    if options.json:
        say_json({'bags': mappings, 'total': total.to_mapping(), 'losses': damages.losses})
    else:
        show_all([*rows, ('all', total)], is_tracked=options.tracks)
