"""``yolact bag compare``."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_core.cli.model_options import DetectionOptions, ModelOptions
from yolact_core.cli.options import argument, group, option, whole_number
from yolact_core.errors import InputError
from yolact_core.terminal import progress_bar, say, say_json, say_table
from yolact_ros.bag.commands.options import (
    BAG,
    REPORT,
    TRACKS,
    TRUTH,
    Damages,
    LimitOptions,
    check_limits,
    check_report,
    detector_options,
)
from yolact_ros.bag.image_selection import ImageSelection

if TYPE_CHECKING:
    from yolact_ros.bag.evaluate.figures.bootstrap import Difference
    from yolact_ros.bag.evaluate.figures.summary import BagFigures
    from yolact_ros.bag.evaluate.jobs import EvaluatedBag
    from yolact_ros.bag.evaluate.plan import EvaluationPlan
    from yolact_ros.bag.evaluate.records import FrameRecord


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions:
    """Options of the comparison itself."""

    resamples: int = option(
        'how often the bootstrap draws images', 1000, metavar='N', type=whole_number
    )
    block: int = option(
        'successive images that it draws together, since they resemble each other',
        10,
        metavar='N',
        type=whole_number,
    )
    seed: int = option('of the bootstrap', 0)
    worst: int = option(
        'list so many images in which contenders differ most', 10, metavar='N', type=whole_number
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact bag compare`` can be asked for."""

    bag: Path = argument(BAG, metavar='BAG')
    contenders: tuple[str, ...] = argument(
        'two or more: names or files of models, or bags of results (BAG#TOPIC)',
        nargs='+',
        metavar='MODEL_OR_RESULTS',
    )
    truth: tuple[str, ...] = option(TRUTH, (), metavar='TOPIC_OR_JSON')
    selection: ImageSelection = group('images')
    model: ModelOptions = group('model')
    detection: DetectionOptions = group('detections')
    comparison: ComparisonOptions = group('comparison')
    tracks: bool = option(TRACKS, False)
    limits: LimitOptions = group('limits')
    report: Path | None = option(REPORT, metavar='FILE.html')
    json: bool = option('write all figures as JSON', False)


def run(options: Options) -> int:
    """Compare and show the differences; limits are those of the last contender.

    Returns:
        0; 1 if a limit is broken; 2 if something of a bag could not be read.
    """
    from yolact_ros.bag.evaluate.jobs import evaluate_bags, kept_evaluation
    from yolact_ros.bag.executors.bag_runs import Reporter
    from yolact_ros.bag.executors.executor import InProcess

    check_report(options.report)
    if len(options.contenders) < 2:
        raise InputError(f'contenders must be two or more, got {len(options.contenders)}')
    limits = options.limits.parse()
    plan = _make_plan(options)
    damages = Damages()
    with closing(kept_evaluation), closing(InProcess()) as executor:
        (bag,) = evaluate_bags(executor, [plan], 1, Reporter(progress_bar, damages))
        for loss in bag.losses:
            damages(loss)
        comparison = _compare(options.comparison, bag)
        if options.report:
            from yolact_ros.bag.report.report import write_report

            write_report(options.report, bag, comparison.figures, comparison.differences)
    if options.json:
        say_json({**comparison.to_mapping(), 'losses': damages.losses})
    else:
        _show(comparison, plan)
    return damages.status or check_limits(limits, comparison.figures[-1].figures())


def _make_plan(options: Options) -> EvaluationPlan:
    from yolact_ros.bag.evaluate.plan import Candidate, EvaluationPlan

    loading = detector_options(options.model, options.detection)
    candidates = tuple(Candidate(source, loading) for source in options.contenders)
    threshold = options.detection.score_threshold
    return EvaluationPlan(
        options.bag, candidates, options.truth, threshold, options.selection, options.tracks
    )


@dataclass(frozen=True)
class Comparison:
    """Candidates compared on the same images.

    Args:
        figures: Figures of each candidate.
        differences: Differences of each other candidate to the first one, by name of the figure.
        worst: Images in which they differ most.
        unknown_classes: Classes of the truth that a candidate does not know.
    """

    figures: list[BagFigures]
    differences: list[dict[str, Difference]]
    worst: list[dict[str, Any]]
    unknown_classes: tuple[str, ...]

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            'contenders': [figures.to_mapping() for figures in self.figures],
            'differences': [
                {
                    name: {**asdict(one), 'is_sure': one.is_sure}
                    for name, one in differences.items()
                }
                for differences in self.differences
            ],
            'most_different': self.worst,
            'unknown_classes': list(self.unknown_classes),
        }


def find_most_different(frames: list[FrameRecord], count: int) -> list[dict[str, Any]]:
    """Return the images in which a candidate agrees least with the first one."""
    ranked = sorted(frames, key=lambda frame: (min(frame.agreement), frame.topic, frame.index))
    return [
        {
            'topic': frame.topic,
            'index': frame.index,
            'stamp': frame.stamp,
            'agreement': list(frame.agreement),
            'instances': [len(result.class_ids) for result in frame.results],
            'quality': [
                result.truth.quality if result.truth else None for result in frame.results
            ],
        }
        for frame in ranked[:count]
    ]


def _compare(options: ComparisonOptions, bag: EvaluatedBag) -> Comparison:
    from yolact_ros.bag.evaluate.figures.bootstrap import add_differences, compare_contenders
    from yolact_ros.bag.evaluate.figures.summary import summarize
    from yolact_ros.bag.evaluate.records import FrameRecord

    frames = [record for record in bag.records if isinstance(record, FrameRecord)]
    if bag.facts is None or not frames:
        raise InputError('bag must hold an image that can be read, got none')
    names, class_names = bag.facts.names, bag.facts.class_names
    figures = [summarize(bag.records, names, class_names, index) for index in range(len(names))]
    differences = compare_contenders(
        frames, len(class_names), options.resamples, options.block, options.seed
    )
    return Comparison(
        figures=figures,
        differences=[
            add_differences(known, figures[0].values, other.values)
            for known, other in zip(differences, figures[1:], strict=True)
        ],
        worst=find_most_different(frames, options.worst),
        unknown_classes=bag.facts.unknown_classes,
    )


def _show(comparison: Comparison, plan: EvaluationPlan) -> None:
    from rich.table import Table

    from yolact_ros.bag.commands.tables import remark_on_tracks, write_figure
    from yolact_ros.bag.evaluate.figures.bootstrap import judge

    first, *others = comparison.figures
    say(f'{first.images} images of {plan.bag}, {first.skipped} skipped')
    for figures in comparison.figures:
        if figures.missing:
            say(
                f'{figures.missing} images have no result in {figures.name}, which counts as '
                'nothing found'
            )
    for remark in remark_on_tracks(comparison.figures, is_tracked=plan.is_tracked):
        say(remark)
    for figures, differences in zip(others, comparison.differences, strict=True):
        table = Table('figure', first.name, figures.name, 'difference', '95 % interval', 'verdict')
        for name, one in differences.items():
            ends = [write_figure(end, is_signed=True) for end in (one.low, one.high)]
            table.add_row(
                name,
                *(write_figure(both.values[name]) for both in (first, figures)),
                write_figure(one.value, is_signed=True),
                ' to '.join(ends) if one.low is not None else '-',
                judge(name, one),
            )
        say_table(table)
    say_table(_worst_table(comparison))


def _worst_table(comparison: Comparison) -> Any:  # noqa: ANN401 - a table
    from rich.table import Table

    from yolact_ros.bag.commands.tables import write_figure

    table = Table('most different', 'topic', 'stamp, ns', 'agreement', 'instances', 'quality')
    for one in comparison.worst:
        table.add_row(
            str(one['index']),
            one['topic'],
            str(one['stamp']),
            ', '.join(f'{value:.3f}' for value in one['agreement'][1:]),
            ', '.join(map(str, one['instances'])),
            ', '.join(write_figure(value) for value in one['quality']),
        )
    return table
