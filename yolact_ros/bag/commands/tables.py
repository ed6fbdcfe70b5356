"""What is said of evaluated bags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from yolact_core.terminal import say, say_table

if TYPE_CHECKING:
    from yolact_ros.bag.evaluate.metrics import BagFigures
    from yolact_ros.bag.evaluate.plan import EvaluationFacts, EvaluationPlan

TITLES = {
    'box_ap': 'box AP',
    'box_ap50': 'box AP50',
    'mask_ap': 'mask AP',
    'mask_ap50': 'mask AP50',
    'mask_ap75': 'mask AP75',
    'quality': 'panoptic quality',
    'stability': 'stability',
    'matched_iou': 'IoU of those found again',
    'flicker_per_minute': 'flicker, per minute',
    'class_switches_per_minute': 'class switches, per minute',
    'box_jitter_px': 'box jitter, px',
    'track_interruptions_per_minute': 'tracks interrupted, per minute',
}

OVERVIEW = ('box_ap', 'mask_ap', 'stability', 'flicker_per_minute', 'box_jitter_px')


def to_mapping(
    plan: EvaluationPlan, facts: EvaluationFacts, figures: BagFigures
) -> dict[str, Any]:
    """Return everything as plain values; only ``latency`` differs from run to run."""
    return {
        'bag': str(plan.bag),
        'topics': list(facts.topics),
        'truth': list(plan.truth),
        'score_threshold': plan.score_threshold,
        'every': plan.every,
        'start': plan.start,
        'end': plan.end,
        'unknown_classes': list(facts.unknown_classes),
        **figures.to_mapping(),
    }


def show(
    plan: EvaluationPlan, facts: EvaluationFacts, figures: BagFigures, *, with_classes: bool
) -> None:
    """Show the figures of a bag."""
    say(_describe(plan, facts, figures))
    say_table(_summary_table(figures))
    if with_classes:
        say_table(_class_table(figures, facts.class_names))


def _describe(plan: EvaluationPlan, facts: EvaluationFacts, figures: BagFigures) -> str:
    objects = '' if figures.objects is None else f', {figures.objects} objects'
    lines = [
        f'{figures.name} on {plan.bag} ({", ".join(facts.topics)}): {figures.images} images'
        f'{objects}, {figures.instances} found above {plan.score_threshold}'
    ]
    if figures.skipped:
        lines.append(f'{figures.skipped} images could not be read and were skipped')
    if figures.missing:
        lines.append(f'{figures.missing} images have no result, which counts as nothing found')
    if facts.unknown_classes:
        lines.append(f'not known to the model, left out: {", ".join(facts.unknown_classes)}')
    if figures.latency:
        medians = (
            f'{stage} {1000 * values["median"]:.1f}' for stage, values in figures.latency.items()
        )
        lines.append(f'ms per image (median): {", ".join(medians)}')
    return '\n'.join(lines)


def _summary_table(figures: BagFigures) -> Table:
    table = Table('figure', 'value')
    values = figures.figures()
    for name, title in TITLES.items():
        table.add_row(title, _figure(values[name]))
    return table


def _class_table(figures: BagFigures, class_names: tuple[str, ...]) -> Table:
    table = Table('class', 'found', 'box AP', 'mask AP', 'stability', 'flicker, per minute')
    for name in class_names:
        box, mask = (part.by_class[name] if part else None for part in (figures.box, figures.mask))
        steady = figures.stability_by_class.get(name)
        table.add_row(
            name,
            str(figures.by_class.get(name, 0)),
            _figure(None if box is None else box / 100),
            _figure(None if mask is None else mask / 100),
            _figure(steady.stability if steady else None),
            _figure(steady.flicker_per_minute if steady else None),
        )
    return table


def _figure(value: float | None) -> str:
    return '-' if value is None else f'{value:.4f}'


def show_all(rows: list[tuple[str, BagFigures]]) -> None:
    """Show the figures of many bags, one a line."""
    table = Table('bag', 'images', 'found', *(TITLES[name] for name in OVERVIEW))
    for name, figures in rows:
        values = figures.figures()
        counts = (str(figures.images), str(figures.instances))
        table.add_row(name, *counts, *(_figure(values[one]) for one in OVERVIEW))
    say_table(table)
