"""Charts as SVG inside a page: lines stretch with the page, while letters keep their size."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from yolact_ros.bag.report.chart import (
    OTHER_SERIES,
    Axis,
    Band,
    Bar,
    Chart,
    Curve,
    Mark,
    Spot,
)

GRID = 1000  # units of the inner drawing along each side
LETTER = 6.6  # pixels that a letter of an axis is wide
LEAST_MARGIN, MOST_MARGIN = 30, 120  # pixels left of the plot
MOST_LETTERS = 17  # of a name beside an axis


def to_svg(chart: Chart) -> str:
    """Return a chart as an SVG element that is as wide as its surroundings."""
    letters = max((len(_cut(tick.text)) for tick in chart.y.ticks), default=0)
    margin = round(min(max(letters * LETTER + 10, LEAST_MARGIN), MOST_MARGIN))
    inner = [mark for mark in chart.marks if isinstance(mark, Curve | Band)]
    outer = [mark for mark in chart.marks if isinstance(mark, Bar | Spot)]
    has_links = any(isinstance(mark, Spot) for mark in outer)
    role = 'group' if has_links else 'img'
    label = escape(f'{chart.title}. {chart.caption}')
    return (
        f'<div class="plot" style="padding-left:{margin}px">'
        f'<svg role="{role}" aria-label="{label}" width="100%" height="{chart.height}">'
        f'{_y_axis(chart.y)}{_x_axis(chart.x)}'
        f'<svg viewBox="0 0 {GRID} {GRID}" preserveAspectRatio="none" width="100%" '
        f'height="100%" aria-hidden="true">{_join(inner)}</svg>'
        f'{_join(outer)}</svg></div>'
    )


def series_class(series: int) -> str:
    """Return the CSS class that gives a series its colour."""
    return 'other' if series == OTHER_SERIES else f's{series % 6}'


def _join(marks: Iterable[Mark]) -> str:
    return ''.join(_draw(mark) for mark in marks)


def _draw(mark: Mark) -> str:
    kind = series_class(mark.series)
    if isinstance(mark, Curve):
        path = 'L'.join(f'{_x(x)} {_y(y)}' for x, y in mark.points)
        dot = 'h0' if len(mark.points) == 1 else ''
        return f'<path class="curve {kind}" d="M{path}{dot}"/>'
    if isinstance(mark, Band):
        there = [f'{_x(x)} {_y(high)}' for x, _, high in mark.points]
        back = [f'{_x(x)} {_y(low)}' for x, low, _ in reversed(mark.points)]
        return f'<path class="band {kind}" d="M{"L".join(there + back)}z"/>'
    if isinstance(mark, Bar):
        of_class = '' if mark.class_id is None else f' data-class="{mark.class_id}"'
        note = f'<title>{escape(mark.note)}</title>'
        return (
            f'<rect class="bar {kind}"{of_class} x="{_percent(mark.left)}" '
            f'y="{_percent(1 - mark.top)}" width="{_percent(mark.right - mark.left)}" '
            f'height="{_percent(mark.top - mark.bottom)}">{note}</rect>'
        )
    return (
        f'<a href="#{mark.target}" aria-label="{escape(mark.note)}"><circle class="spot {kind}" '
        f'cx="{_percent(mark.x)}" cy="{_percent(1 - mark.y)}" r="5">'
        f'<title>{escape(mark.note)}</title></circle></a>'
    )


def _x_axis(axis: Axis) -> str:
    parts = []
    for tick in axis.ticks:
        x = _percent(tick.place)
        if axis.has_grid:
            parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="100%"/>')
        parts.append(f'<text class="tick" x="{x}" y="100%" dy="16">{escape(tick.text)}</text>')
    parts.append('<line class="base" x1="0" x2="100%" y1="100%" y2="100%"/>')
    title = escape(axis.title)
    return ''.join(parts) + f'<text class="side" x="100%" y="100%" dy="32">{title}</text>'


def _y_axis(axis: Axis) -> str:
    parts = []
    for tick in axis.ticks:
        y = _percent(1 - tick.place)
        if axis.has_grid:
            parts.append(f'<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>')
        text = escape(_cut(tick.text))
        parts.append(f'<text class="tick left" x="-6" y="{y}" dy="4">{text}</text>')
    title = escape(axis.title)
    return ''.join(parts) + f'<text class="side up" x="0" y="0" dy="-10">{title}</text>'


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f'{text[: MOST_LETTERS - 1]}…'


def _x(place: float) -> int:
    return round(GRID * place)


def _y(place: float) -> int:
    return round(GRID * (1 - place))


def _percent(place: float) -> str:
    return f'{100 * place:.2f}%'
