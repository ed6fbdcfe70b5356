"""Tables and lines that tell on the terminal what an evaluation found."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.table import Table

from yolact_core.terminal import say, say_table
from yolact_ros.bag.evaluate.figures.metric_kinds import Place, write_number
from yolact_ros.bag.evaluate.figures.metrics import rows

if TYPE_CHECKING:
    from yolact_ros.bag.evaluate.figures.summary import BagFigures
    from yolact_ros.bag.evaluate.plan import EvaluationFacts, EvaluationPlan


write_figure = partial(write_number, digits=4)


def to_mapping(
    plan: EvaluationPlan, facts: EvaluationFacts, figures: BagFigures
) -> dict[str, Any]:
    """Return everything as plain values; only ``latency`` differs from run to run."""
    return {
        'bag': str(plan.bag),
        'topics': list(facts.images.topics),
        'truth': list(plan.truth),
        'score_threshold': plan.score_threshold,
        'every': plan.selection.every,
        'start': plan.selection.start,
        'end': plan.selection.end,
        'image_range': plan.selection.image_range,
        'tracks': plan.is_tracked,
        'unknown_classes': list(facts.unknown_classes),
        **figures.to_mapping(),
    }


def show(
    plan: EvaluationPlan, facts: EvaluationFacts, figures: BagFigures, *, with_classes: bool
) -> None:
    """Show the figures of a bag."""
    say(_describe(plan, facts, figures))
    table = Table('figure', 'value')
    for row in rows(Place.FIGURES | Place.TABLE):
        if figures.values[row.name] is not None:
            table.add_row(row.heading, write_figure(figures.values[row.name]))
    say_table(table)
    if with_classes:
        say_table(_class_table(figures, facts.class_names))


def show_all(bags: list[tuple[str, BagFigures]], *, is_tracked: bool) -> None:
    """Show the figures of many bags, one a line."""
    for remark in remark_on_tracks([figures for _, figures in bags], is_tracked=is_tracked):
        say(remark)
    shown = [
        row
        for row in rows(Place.OVERVIEW)
        if any(figures.values[row.name] is not None for _, figures in bags)
    ]
    table = Table('bag', 'images', 'found', *(row.heading for row in shown))
    for name, figures in bags:
        counts = (str(figures.images), str(figures.instances))
        table.add_row(name, *counts, *(write_figure(figures.values[row.name]) for row in shown))
    say_table(table)


def remark_on_tracks(contenders: Iterable[BagFigures], *, is_tracked: bool) -> list[str]:
    """Return a sentence about figures that the truth allows for, if they were not asked for."""
    values = [figures.values['track_interruptions_per_minute'] for figures in contenders]
    if is_tracked or all(value is None for value in values):
        return []
    return [
        'the truth has ids: --tracks adds HOTA, IDF1, identity switches, and how steady tracks are'
    ]


def _describe(plan: EvaluationPlan, facts: EvaluationFacts, figures: BagFigures) -> str:
    objects = '' if figures.objects is None else f', {figures.objects} objects'
    lines = [
        f'{figures.name} on {plan.bag} ({", ".join(facts.images.topics)}): {figures.images} images'
        f'{objects}, {figures.instances} found above {plan.score_threshold}'
    ]
    if figures.skipped:
        lines.append(f'{figures.skipped} images could not be read and were skipped')
    if figures.missing:
        lines.append(f'{figures.missing} images have no result, which counts as nothing found')
    if figures.without_truth:
        lines.append(
            f'{figures.without_truth} images have no truth, and do not count in precision'
        )
    if facts.unknown_classes:
        lines.append(f'not known to the model, left out: {", ".join(facts.unknown_classes)}')
    lines += remark_on_tracks([figures], is_tracked=plan.is_tracked)
    if figures.latency:
        medians = (
            f'{stage} {1000 * values["median"]:.1f}' for stage, values in figures.latency.items()
        )
        lines.append(f'ms per image (median): {", ".join(medians)}')
    return '\n'.join(lines)


def _class_table(figures: BagFigures, class_names: tuple[str, ...]) -> Table:
    table = Table('class', 'found', 'box AP', 'mask AP', 'stability', 'flicker, per minute')
    for name in class_names:
        found, precisions, steadiness = figures.of_class(name)
        table.add_row(name, str(found), *map(write_figure, (*precisions, *steadiness)))
    return table
