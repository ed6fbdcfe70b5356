"""Kinds of charts: distributions, courses over time, and bars of each class."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from yolact_ros.bag.evaluate.figures.metric_kinds import Floats, write_number
from yolact_ros.bag.report.chart_content import OTHER_SERIES, Axis, Bar, Chart, Spot, Words
from yolact_ros.bag.report.image_series import Course

BAR_SHARE = 0.82  # of the room of a bar or group of bars
STEPS = (1, 2, 2.5, 5, 10)


def plot_distribution(
    words: Words, values: Sequence[Floats], edges: Floats, texts: Sequence[str]
) -> Chart:
    """Show how many values fall between edges, as bars side by side.

    Args:
        words: What is written on the chart.
        values: Values of each contender; those beyond the edges count at the ends.
        edges: Edges from low to high, shape (B + 1,); every bin is drawn equally wide.
        texts: Each edge in words.
    """
    counts = [np.histogram(np.clip(one, edges[0], edges[-1]), edges)[0].tolist() for one in values]
    spans = [f'{low} to {high}' for low, high in itertools.pairwise(texts)]
    bars = [
        Bar(
            series,
            (_start(place, series, len(counts)), 0.0),
            (BAR_SHARE / len(counts), amount),
            f'{words.names[series]}, {spans[place]}: {amount}',
        )
        for series, count in enumerate(counts)
        for place, amount in enumerate(count)
        if amount
    ]
    step = -(-len(spans) // 5)
    highest = round_up(max(max(count) for count in counts))
    return Chart(
        words,
        Axis(len(spans), tuple(enumerate(texts))[::step]),
        Axis(highest, is_whole=True, has_grid=True),
        tuple((span, *map(str, amounts)) for span, *amounts in zip(spans, *counts, strict=True)),
        (words.x, *words.names),
        bars=tuple(bars),
    )


def plot_course(  # noqa: PLR0913 - what a course may have beside its curves
    words: Words,
    courses: Sequence[Course],
    *,
    other: tuple[str, Course] | None = None,
    spots: tuple[Spot, ...] = (),
    least_end: float = 0.0,
    digits: int = 3,
    is_whole: bool = False,
) -> Chart:
    """Show how a figure changes over time.

    Args:
        words: What is written on the chart.
        courses: Course of each contender, at the same times.
        other: Name and course of what belongs to no contender.
        spots: Dots that lead to pictures.
        least_end: Value that the left side reaches at least.
        digits: Digits of the values in the table.
        is_whole: Whether values are counts.
    """
    curves = {OTHER_SERIES: other[1]} if other else {}
    curves.update(enumerate(courses))
    highest = max(float(np.nanmax(one.highs, initial=0.0)) for one in curves.values())
    times = courses[0].times.tolist()
    means = [one.means.tolist() for one in curves.values()]
    rows = tuple(
        (f'{seconds:.2f}', *(write_number(one, digits) for one in values))
        for seconds, *values in zip(times, *means, strict=True)
    )
    return Chart(
        words,
        Axis(max(times[-1], 1e-3)),
        Axis(round_up(max(highest, least_end)), is_whole=is_whole, has_grid=True),
        rows if words.class_id is None else (),
        (words.x, *([other[0]] if other else []), *words.names),
        curves={key: one for key, one in curves.items() if not np.isnan(one.means).all()},
        spots=spots,
        other=other[0] if other else '',
    )


def plot_classes(
    words: Words, classes: Sequence[tuple[int, str]], values: Sequence[Sequence[float | None]]
) -> Chart:
    """Show a figure of each class in [0, 1] as bars that lie.

    Args:
        words: What is written on the chart.
        classes: Ids and names, from top to bottom.
        values: Values of each contender, one for each class.
    """
    count, contenders = len(classes), len(values)
    width = BAR_SHARE / contenders
    bars = [
        Bar(
            series,
            (0.0, count - _start(place, series, contenders) - width),
            (value, width),
            f'{words.names[series]}, {name}: {value:.3f}',
            class_id,
        )
        for place, (class_id, name) in enumerate(classes)
        for series in range(contenders)
        if (value := values[series][place]) is not None
    ]
    return Chart(
        words,
        Axis(1.0, has_grid=True),
        Axis(
            count,
            tuple((count - place - 0.5, name) for place, (_, name) in enumerate(classes)),
        ),
        tuple(
            (name, *(write_number(one, 3) for one in row))
            for (_, name), *row in zip(classes, *values, strict=True)
        ),
        (words.y, *words.names),
        bars=tuple(bars),
        stacked=count * (1 + contenders),
    )


def round_up(value: float) -> float:
    """Return a round number that is not below a value."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value / 5))
    step = next(one * power for one in STEPS if one * power >= value / 5 * (1 - 1e-9))
    return step * math.ceil(value / step - 1e-9)


def _start(place: int, series: int, count: int) -> float:
    """Return where the bar of a series begins in the room of its place, which is 1 wide."""
    return place + (1 - BAR_SHARE) / 2 + series * BAR_SHARE / count
