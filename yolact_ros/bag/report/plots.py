"""Kinds of charts: distributions, courses over time, and bars of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from yolact_ros.bag.report.chart import (
    BAR_ROW,
    OTHER_SERIES,
    Axis,
    Band,
    Bar,
    Chart,
    Curve,
    Mark,
    NumberTable,
    Scale,
    Spot,
    Tick,
    scale_to,
)
from yolact_ros.bag.report.series import Course, Floats

BAR_SHARE = 0.82  # of the room of a bar or group of bars


@dataclass(frozen=True)
class Words:
    """What is written on a chart.

    Args:
        name: Of its file, and in ids.
        title: In a few words.
        caption: What it tells, in a sentence.
        x: Title of the lower side, with the unit.
        y: Title of the left side, with the unit.
        names: Of the contenders.
        class_id: Of the only class that is shown; None is all.
    """

    name: str
    title: str
    caption: str
    x: str
    y: str
    names: tuple[str, ...]
    class_id: int | None = None


@dataclass(frozen=True)
class Extras:
    """What a course has beside its curves.

    Args:
        other: A curve that belongs to no contender, with its name.
        spots: x in seconds, y, and what leads where.
        highest: End of the axis, where it does not depend on the values.
        digits: Of values in the table.
        is_whole: Whether values are counts.
    """

    other: tuple[str, Course] | None = None
    spots: tuple[Spot, ...] = ()
    highest: float | None = None
    digits: int = 3
    is_whole: bool = False


def plot_distribution(
    words: Words, values: Sequence[Floats], edges: Floats, texts: Sequence[str]
) -> Chart:
    """Show how many values fall between edges, as bars side by side.

    Args:
        words: On the chart.
        values: Of each contender; what is beyond the edges counts at the ends.
        edges: From low to high, shape (B + 1,); every bin is drawn equally wide.
        texts: Each edge in words.
    """
    inside = [np.clip(one, edges[0], edges[-1]) for one in values]
    counts = [np.histogram(one, edges)[0] for one in inside]
    scale = scale_to(max(int(one.max()) for one in counts))
    bins = len(edges) - 1
    bars = []
    for series, count in enumerate(counts):
        for place, amount in enumerate(count.tolist()):
            if amount:
                left, right = _share(place, bins, series, len(counts))
                span = f'{texts[place]} to {texts[place + 1]}'
                note = f'{words.names[series]}, {span}: {amount}'
                bars.append(Bar(series, left, 0.0, right, scale.place(amount), note))
    step = -(-bins // 5)
    ticks = tuple(Tick(place / bins, texts[place]) for place in range(0, bins + 1, step))
    rows = tuple(
        (f'{texts[place]} to {texts[place + 1]}', *(str(count[place]) for count in counts))
        for place in range(bins)
    )
    return _chart(
        words,
        Axis(words.x, ticks),
        scale.axis(words.y, has_grid=True, is_whole=True),
        bars,
        NumberTable((words.x, *words.names), rows),
    )


def plot_course(words: Words, courses: Sequence[Course], extras: Extras) -> Chart:
    """Show how a figure changes over time.

    Args:
        words: On the chart.
        courses: Of each contender, at the same times.
        extras: What there is beside them.
    """
    lines = list(enumerate(courses))
    if extras.other:
        lines.insert(0, (OTHER_SERIES, extras.other[1]))
    time = Scale(0.0, max(float(courses[0].times[-1]), 1e-3))
    tops = [float(np.nanmax(one.highs, initial=0.0)) for _, one in lines]
    value = scale_to(extras.highest or max(tops))
    marks: list[Mark] = []
    for series, course in lines:
        marks += _bands(series, course, time, value)
    for series, course in lines:
        marks += _curves(series, course, time, value)
    marks += [
        Spot(one.series, time.place(one.x), value.place(one.y), one.target, one.note)
        for one in extras.spots
    ]
    legend = [(OTHER_SERIES, extras.other[0])] if extras.other else []
    names = (*(name for _, name in legend), *words.names)
    rows = tuple(
        (f'{seconds:.2f}', *(_number(one.means[place], extras.digits) for _, one in lines))
        for place, seconds in enumerate(courses[0].times.tolist())
    )
    return _chart(
        words,
        time.axis(words.x, most=8),
        value.axis(words.y, has_grid=True, is_whole=extras.is_whole),
        marks,
        NumberTable((words.x, *names), rows if words.class_id is None else ()),
        tuple(legend),
    )


def plot_classes(
    words: Words, classes: Sequence[tuple[int, str]], values: Sequence[Sequence[float | None]]
) -> Chart:
    """Show a figure of each class in [0, 1] as bars that lie.

    Args:
        words: On the chart.
        classes: Ids and names, from top to bottom.
        values: Of each contender, of each class.
    """
    count, contenders = len(classes), len(values)
    bars = []
    for place, (class_id, name) in enumerate(classes):
        for series in range(contenders):
            value = values[series][place]
            if value is not None:
                low, high = _share(place, count, series, contenders)
                note = f'{words.names[series]}, {name}: {value:.3f}'
                bars.append(Bar(series, 0.0, 1 - high, value, 1 - low, note, class_id))
    ticks = tuple(Tick(1 - (place + 0.5) / count, name) for place, (_, name) in enumerate(classes))
    rows = tuple(
        (name, *(_number(one[place], 3) for one in values))
        for place, (_, name) in enumerate(classes)
    )
    chart = _chart(
        words,
        Scale(0.0, 1.0).axis(words.x, has_grid=True),
        Axis(words.y, ticks),
        bars,
        NumberTable((words.y, *words.names), rows),
    )
    room = BAR_ROW * count * (1 + contenders) // 2
    return replace(chart, height=max(room, 2 * BAR_ROW))


def _chart(
    words: Words,
    x: Axis,
    y: Axis,
    marks: Sequence[Mark],
    numbers: NumberTable,
    legend: tuple[tuple[int, str], ...] = (),
) -> Chart:
    drawn = {mark.series for mark in marks}
    named = [(series, name) for series, name in enumerate(words.names) if series in drawn]
    return Chart(
        **{name: getattr(words, name) for name in ('name', 'title', 'caption', 'class_id')},
        x=x,
        y=y,
        marks=tuple(marks),
        legend=(*legend, *named),
        numbers=numbers,
    )


def _share(place: int, places: int, series: int, count: int) -> tuple[float, float]:
    """Return where the bar of a series begins and ends in the room of its place."""
    width = BAR_SHARE / count
    start = place + (1 - BAR_SHARE) / 2 + series * width
    return start / places, (start + width) / places


def _bands(series: int, course: Course, time: Scale, value: Scale) -> list[Mark]:
    if np.array_equal(course.lows, course.highs, equal_nan=True):
        return []
    x, low, high = map(_places, (time, value, value), (course.times, course.lows, course.highs))
    return [
        Band(series, tuple((x[one], low[one], high[one]) for one in piece))
        for piece in _pieces(course)
    ]


def _curves(series: int, course: Course, time: Scale, value: Scale) -> list[Mark]:
    x, y = _places(time, course.times), _places(value, course.means)
    return [Curve(series, tuple((x[one], y[one]) for one in piece)) for piece in _pieces(course)]


def _places(scale: Scale, values: Floats) -> list[float]:
    return [scale.place(value) for value in values.tolist()]


def _pieces(course: Course) -> list[list[int]]:
    """Return runs of points that have a value."""
    pieces: list[list[int]] = [[]]
    for place, is_gap in enumerate(np.isnan(course.means).tolist()):
        if is_gap:
            pieces.append([])
        else:
            pieces[-1].append(place)
    return [piece for piece in pieces if piece]


def _number(value: float | None, digits: int) -> str:
    return '-' if value is None or np.isnan(value) else f'{value:.{digits}f}'
