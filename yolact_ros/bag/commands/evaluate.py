"""``yolact bag evaluate``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.cli.model_options import add_detection_options, add_model_options
from yolact_core.errors import InputError
from yolact_core.terminal import progress_bar, say_json
from yolact_ros.bag.commands.options import (
    Damages,
    add_limits,
    add_report,
    add_selection,
    add_truth,
    check_limits,
    check_range,
    check_report,
    make_plan,
    read_limits,
)
from yolact_ros.bag.fleet.options import add_bags, choose_bags

if TYPE_CHECKING:
    from yolact_ros.bag.evaluate.figures import BagFigures
    from yolact_ros.bag.evaluate.plan import EvaluationPlan, OpenEvaluation
    from yolact_ros.bag.evaluate.records import Record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_bags(parser)
    add_truth(parser)
    add_selection(parser)
    add_model_options(parser)
    add_detection_options(parser)
    parser.add_argument(
        '--results',
        metavar='BAG[#TOPIC]',
        help='evaluate results that were recorded, instead of running a model',
    )
    add_limits(parser)
    add_report(parser)
    parser.add_argument('--per-class', action='store_true', help='also list every class')
    parser.add_argument('--json', action='store_true', help='write all figures as JSON')


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and show the figures.

    Returns:
        0; 1 if a limit is broken; 2 if something of the bag could not be read.
    """
    from yolact_ros.bag.commands.tables import show, to_mapping
    from yolact_ros.bag.evaluate.figures import summarize
    from yolact_ros.bag.evaluate.plan import open_evaluation

    check_range(arguments)
    check_report(arguments)
    limits = read_limits(arguments)
    chosen = choose_bags(arguments)
    if chosen.is_shared:
        from yolact_ros.bag.fleet.command_evaluate import run_shared

        return run_shared(arguments, chosen, limits)
    plan = make_plan(arguments, chosen.bags[0])
    damages = Damages()
    with open_evaluation(plan, damages) as opened:
        records = _examine(opened)
        figures = summarize(records, opened.names, opened.class_names)
        if arguments.report:
            _report(arguments.report, plan, opened, records, figures)
        if arguments.json:
            say_json(to_mapping(plan, opened, figures))
        else:
            show(plan, opened, figures, with_classes=arguments.per_class)
    return damages.status or check_limits(limits, figures.figures())


def _examine(opened: OpenEvaluation) -> list[Record]:
    from yolact_ros.bag.evaluate.records import merge

    records = []
    with progress_bar('images', opened.images) as advance:
        for record in opened.evaluator.records(opened.whole):
            records.append(record)
            advance()
    if not records:
        raise InputError('bag must hold an image in what was asked for, got none')
    return merge([records])


def _report(
    path: Path,
    plan: EvaluationPlan,
    opened: OpenEvaluation,
    records: Sequence[Record],
    figures: BagFigures,
) -> None:
    from yolact_ros.bag.report import Report, write_report

    report = Report.of(plan, opened, records, [figures])
    write_report(report, path, opened.evaluator.view)
