"""``yolact bag evaluate`` by several processes or machines."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from yolact_core.cli.model_options import load_detector
from yolact_core.errors import InputError
from yolact_core.terminal import progress_bar, say_json
from yolact_ros.bag.commands.options import Damages, check_limits, make_plan
from yolact_ros.bag.commands.tables import show, show_all, to_mapping
from yolact_ros.bag.evaluate.class_remapping import merge_bags
from yolact_ros.bag.evaluate.figures import BagFigures, summarize
from yolact_ros.bag.evaluate.limits import Limit
from yolact_ros.bag.evaluate.plan import open_evaluation
from yolact_ros.bag.fleet.evaluation import EvaluatedBag, evaluate_bags
from yolact_ros.bag.fleet.options import Chosen, open_pool
from yolact_ros.bag.report import Report, write_report


def run_shared(arguments: argparse.Namespace, chosen: Chosen, limits: list[Limit]) -> int:
    """Let others look at the images, and show the figures; limits are on those of all bags.

    Returns:
        0; 1 if a limit is broken; 2 if something could not be read or done.
    """
    if arguments.report and not chosen.is_single:
        raise InputError('--report must go with one bag, got several')
    fixed, needs_gpu = _choose_model(arguments)
    plans = [make_plan(arguments, bag, **fixed) for bag in chosen.bags]
    with open_pool(arguments, needs_gpu=needs_gpu) as pool:
        bags = evaluate_bags(pool, plans, arguments.part_images, progress_bar)
    damages = Damages()
    for bag in bags:
        for sentence in (*bag.damages, *bag.failures):
            damages(sentence)
    looked_at = [bag for bag in bags if bag.facts and bag.records]
    if not looked_at:
        return damages.status
    total = _summarize(looked_at)
    if chosen.is_single:
        _show_one(arguments, looked_at[0], total)
    else:
        _show_many(arguments, bags, total)
    return damages.status or check_limits(limits, total.figures())


def _choose_model(arguments: argparse.Namespace) -> tuple[dict[str, str], bool]:
    """Return options with which everyone loads the model in the same way, and whether on a GPU.

    Raises:
        InputError: It cannot be loaded.
    """
    if arguments.results:
        return {}, False
    detector = load_detector(arguments)
    where = {'device': str(detector.device), 'backend': detector.backend}
    return where, detector.device.type == 'cuda'


def _summarize(bags: Sequence[EvaluatedBag]) -> BagFigures:
    """Return the figures of all images together."""
    records, class_names = merge_bags(
        [(bag.records, bag.facts.class_names) for bag in bags if bag.facts]
    )
    names = next(bag.facts.names for bag in bags if bag.facts)
    return summarize(records, names, class_names)


def _show_one(arguments: argparse.Namespace, bag: EvaluatedBag, figures: BagFigures) -> None:
    if bag.facts is None:
        return
    if arguments.report:
        with open_evaluation(bag.plan, lambda _: None) as opened:
            report = Report.of(bag.plan, opened, bag.records, [figures])
            write_report(report, arguments.report, opened.evaluator.view)
    if arguments.json:
        failures = {'failures': bag.failures} if bag.failures else {}
        say_json({**to_mapping(bag.plan, bag.facts, figures), **failures})
    else:
        show(bag.plan, bag.facts, figures, with_classes=arguments.per_class)


def _show_many(
    arguments: argparse.Namespace, bags: Sequence[EvaluatedBag], total: BagFigures
) -> None:
    mappings: list[dict[str, Any]] = []
    rows = []
    for bag in bags:
        mapping: dict[str, Any] = {'bag': str(bag.plan.bag)}
        if bag.facts and bag.records:
            figures = _summarize([bag])
            mapping = to_mapping(bag.plan, bag.facts, figures)
            rows.append((str(bag.plan.bag), figures))
        mappings.append({**mapping, 'failures': bag.failures})
    if arguments.json:
        say_json({'bags': mappings, 'total': total.to_mapping()})
    else:
        show_all([*rows, ('all', total)])
