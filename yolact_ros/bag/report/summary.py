"""The figures of a report in words, tiles and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from yolact_ros.bag.evaluate.bootstrap import BETTER, WORSE, judge
from yolact_ros.bag.evaluate.figures import QUANTILES, BagFigures
from yolact_ros.bag.evaluate.metrics import row_of, rows
from yolact_ros.bag.evaluate.rows import Place
from yolact_ros.bag.report.html import make_table, series_name

if TYPE_CHECKING:
    from yolact_ros.bag.report.report import Report


def figures_of(figures: BagFigures) -> dict[str, float | None]:
    """Return the figures that are shown, by name."""
    return {row.name: figures.values[row.name] for row in rows(Place.TABLE)}


def summarize(report: Report) -> str:
    """Return tiles or a verdict, and the table of figures."""
    values = [figures_of(one) for one in report.figures]
    if len(values) == 1:
        return f'{_tiles(values[0])}{_figure_table(values[0])}'
    return ''.join(
        f'{_verdict(report, index)}{_difference_table(report, index, values)}'
        for index in range(1, len(values))
    )


def class_table(report: Report, class_ids: Sequence[int]) -> str:
    """Return figures of each class, a row for each contender."""
    head = ['found', 'mask AP', 'box AP', 'stability', 'flicker, per minute']
    rows, attributes = [], []
    for class_id in class_ids:
        name = report.class_names[class_id]
        for series, one in enumerate(report.figures):
            rows.append((escape(name), series, _class_cells(one, name)))
            attributes.append(f' data-class="{class_id}"')
    return _contender_table('Figures of each class', ['class', *head], report, rows, attributes)


def latency_table(report: Report) -> str:
    """Return milliseconds by stage, a row for each stage and contender."""
    head = ['stage', 'mean, ms', 'median, ms', '95 %, ms', '99 %, ms']
    figures = report.figures
    rows = [
        (
            stage,
            series,
            [f'{1000 * one.latency[stage][name]:.1f}' for name in ('mean', *QUANTILES)],
        )
        for stage in next((one.latency for one in figures if one.latency), {})
        for series, one in enumerate(figures)
        if one.latency
    ]
    return _contender_table('Latency by stage', head, report, rows) if rows else ''


def _contender_table(
    caption: str,
    head: Sequence[str],
    report: Report,
    rows: Sequence[tuple[str, int, list[str]]],
    attributes: Sequence[str] = (),
) -> str:
    """Return a table whose rows belong to contenders, who are named if there are several."""
    if len(report.figures) == 1:
        cells = [[first, *others] for first, _, others in rows]
        return make_table(caption, head, cells, attributes)
    cells = [
        [first, series_name(series, report.figures[series].name), *others]
        for first, series, others in rows
    ]
    return make_table(caption, [head[0], 'contender', *head[1:]], cells, attributes, names=(1,))


def _class_cells(figures: BagFigures, name: str) -> list[str]:
    precisions = [
        None if one is None else one.by_class[name] for one in (figures.mask, figures.box)
    ]
    steady = figures.stability_by_class.get(name)
    return [
        str(figures.by_class.get(name, 0)),
        *('-' if value is None else f'{value / 100:.3f}' for value in precisions),
        row_of('stability').write(steady.stability if steady else None),
        _number(steady.flicker_per_minute if steady else None, 1),
    ]


def _tiles(values: Mapping[str, float | None]) -> str:
    tiles = []
    for meaning in rows(Place.TILE):
        value = values[meaning.name]
        if value is not None:
            number = f'{value:.{meaning.digits}f} <small>{meaning.unit}</small>'
            tiles.append(f'<li><span>{meaning.title}</span><b>{number}</b></li>')
    return f'<ul class="tiles">{"".join(tiles)}</ul>'


def _figure_table(values: Mapping[str, float | None]) -> str:
    rows = [
        [_title(name), row_of(name).write(value)]
        for name, value in values.items()
        if value is not None
    ]
    return make_table('Figures', ['figure', 'value'], rows, is_stacked=True)


def _verdict(report: Report, index: int) -> str:
    """Return in a sentence what is better, what is worse, and what is open."""
    verdicts = {name: judge(name, one) for name, one in report.differences[index - 1].items()}
    parts = []
    for word in (BETTER, WORSE):
        titles = [row_of(name).title for name, verdict in verdicts.items() if verdict == word]
        if titles:
            parts.append(f'{word} in {", ".join(titles)}')
    said = '; '.join(parts) or 'neither better nor worse'
    first, name = (series_name(one, report.figures[one].name) for one in (0, index))
    text = f'By 95 % intervals it is {said}; all else is open.'
    return f'<h3>{name} against {first}</h3><p class="lead">{text}</p>'


def _difference_table(
    report: Report, index: int, values: Sequence[Mapping[str, float | None]]
) -> str:
    rows = []
    differences = report.differences[index - 1]
    for name in values[0]:
        if values[0][name] is None and values[index][name] is None:
            continue
        one = differences.get(name)
        cells = ['', '', '']
        if one is not None:
            ends = (row_of(name).write(end, is_signed=True) for end in (one.low, one.high))
            cells = [
                row_of(name).write(one.value, is_signed=True),
                ' to '.join(ends) if one.value is not None else '-',
                _colored(judge(name, one)),
            ]
        both = [row_of(name).write(value[name]) for value in (values[0], values[index])]
        rows.append([_title(name), *both, *cells])
    names = [report.figures[one].name for one in (0, index)]
    head = ['figure', *map(escape, names), 'difference', '95 % interval', 'verdict']
    caption = f'Differences of {names[1]} to {names[0]}'
    return make_table(escape(caption), head, rows, is_stacked=True)


def _title(name: str) -> str:
    meaning = row_of(name)
    unit = f', {meaning.unit}' if meaning.unit else ''
    return f'{meaning.title}{unit}<small>{meaning.text}</small>'


def _colored(verdict: str) -> str:
    kind = {BETTER: ' class="good"', WORSE: ' class="bad"'}.get(verdict, '')
    return f'<span{kind}>{escape(verdict)}</span>'


def _number(value: float | None, digits: int) -> str:
    return '-' if value is None else f'{value:.{digits}f}'
