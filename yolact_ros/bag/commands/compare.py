"""``yolact bag compare``."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_core.cli.model_options import add_detection_options, add_model_options
from yolact_core.cli.options import whole_number
from yolact_core.errors import InputError
from yolact_core.terminal import progress_bar, say, say_json, say_table
from yolact_ros.bag.commands.options import (
    Damages,
    add_bag,
    add_limits,
    add_report,
    add_selection,
    add_truth,
    check_limits,
    check_range,
    check_report,
    detector_options,
    read_limits,
)

if TYPE_CHECKING:
    from yolact_ros.bag.evaluate.bootstrap import Difference
    from yolact_ros.bag.evaluate.figures import BagFigures
    from yolact_ros.bag.evaluate.plan import EvaluationPlan, OpenEvaluation
    from yolact_ros.bag.evaluate.records import FrameRecord, Record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_bag(parser)
    parser.add_argument(
        'contenders',
        nargs='+',
        metavar='MODEL_OR_RESULTS',
        help='two or more: names or files of models, or bags of results (BAG#TOPIC)',
    )
    add_truth(parser)
    add_selection(parser)
    add_model_options(parser)
    add_detection_options(parser)
    group = parser.add_argument_group('comparison')
    group.add_argument(
        '--resamples',
        type=whole_number,
        default=1000,
        metavar='N',
        help='how often the bootstrap draws images',
    )
    group.add_argument(
        '--block',
        type=whole_number,
        default=10,
        metavar='N',
        help='successive images that it draws together, since they resemble each other',
    )
    group.add_argument('--seed', type=int, default=0, help='of the bootstrap')
    group.add_argument(
        '--worst',
        type=whole_number,
        default=10,
        metavar='N',
        help='list so many images in which contenders differ most',
    )
    add_limits(parser)
    add_report(parser)
    parser.add_argument('--json', action='store_true', help='write all figures as JSON')


def run(arguments: argparse.Namespace) -> int:
    """Compare and show the differences; limits are those of the last contender.

    Returns:
        0; 1 if a limit is broken; 2 if something of a bag could not be read.
    """
    from yolact_ros.bag.evaluate.plan import Candidate, EvaluationPlan, open_evaluation

    check_range(arguments)
    check_report(arguments)
    if len(arguments.contenders) < 2:
        raise InputError(f'contenders must be two or more, got {len(arguments.contenders)}')
    limits = read_limits(arguments)
    options = {**detector_options(arguments), 'config': arguments.config}
    plan = EvaluationPlan(
        bag=arguments.bag,
        candidates=tuple(Candidate(source, options) for source in arguments.contenders),
        topics=tuple(arguments.topic),
        truth=tuple(arguments.truth),
        score_threshold=arguments.score_threshold,
        every=arguments.every,
        start=arguments.start,
        end=arguments.end,
    )
    damages = Damages()
    with open_evaluation(plan, damages) as opened:
        records = _examine(opened)
        comparison = _compare(arguments, opened, records)
        if arguments.report:
            _report(arguments.report, plan, opened, records, comparison)
        if arguments.json:
            say_json(comparison.to_mapping())
        else:
            _show(comparison, plan)
    return damages.status or check_limits(limits, comparison.figures[-1].figures())


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Contenders on the same images.

    Args:
        figures: Of each contender.
        differences: Of each contender but the first, to the first.
        worst: Images in which they differ most.
        unknown_classes: Of the truth, which a contender does not know.
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
                    name: {**dataclasses.asdict(one), 'is_sure': one.is_sure}
                    for name, one in differences.items()
                }
                for differences in self.differences
            ],
            'most_different': self.worst,
            'unknown_classes': list(self.unknown_classes),
        }


def find_most_different(frames: list[FrameRecord], count: int) -> list[dict[str, Any]]:
    """Return the images in which a contender agrees least with the first one."""
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


def _examine(opened: OpenEvaluation) -> list[Record]:
    from yolact_ros.bag.evaluate.records import merge

    records: list[Record] = []
    with progress_bar('images', opened.images) as advance:
        for record in opened.evaluator.records(opened.whole):
            records.append(record)
            advance()
    return merge([records])


def _compare(
    arguments: argparse.Namespace, opened: OpenEvaluation, records: list[Record]
) -> Comparison:
    from yolact_ros.bag.evaluate.bootstrap import compare_contenders
    from yolact_ros.bag.evaluate.figures import summarize
    from yolact_ros.bag.evaluate.records import FrameRecord

    frames = [record for record in records if isinstance(record, FrameRecord)]
    if not frames:
        raise InputError('bag must hold an image that can be read, got none')
    return Comparison(
        figures=[
            summarize(records, opened.names, opened.class_names, index)
            for index in range(len(opened.names))
        ],
        differences=compare_contenders(
            frames, len(opened.class_names), arguments.resamples, arguments.block, arguments.seed
        ),
        worst=find_most_different(frames, arguments.worst),
        unknown_classes=opened.unknown_classes,
    )


def _report(
    path: Path,
    plan: EvaluationPlan,
    opened: OpenEvaluation,
    records: list[Record],
    comparison: Comparison,
) -> None:
    from yolact_ros.bag.report import Report, write_report

    report = Report.of(plan, opened, records, comparison.figures, comparison.differences)
    write_report(report, path, opened.evaluator.view)


def _show(comparison: Comparison, plan: EvaluationPlan) -> None:
    from rich.table import Table

    from yolact_ros.bag.commands.tables import write_figure
    from yolact_ros.bag.evaluate.bootstrap import judge

    first, *others = comparison.figures
    say(f'{first.images} images of {plan.bag}, {first.skipped} skipped')
    for figures in comparison.figures:
        if figures.missing:
            say(
                f'{figures.missing} images have no result in {figures.name}, which counts as '
                'nothing found'
            )
    for figures, differences in zip(others, comparison.differences, strict=True):
        table = Table('figure', first.name, figures.name, 'difference', '95 % interval', 'verdict')
        for name, one in differences.items():
            ends = (write_figure(end, is_signed=True) for end in (one.low, one.high))
            table.add_row(
                name,
                *(write_figure(both.values[name]) for both in (first, figures)),
                write_figure(one.value, is_signed=True),
                ' to '.join(ends),
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
