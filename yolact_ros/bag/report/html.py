"""Pieces of a page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from yolact_ros.bag.report.chart import Chart
from yolact_ros.bag.report.svg import series_class, to_svg


def series_name(series: int, name: str) -> str:
    """Return the name of a series behind a square of its colour."""
    return f'<span class="name {series_class(series)}">{escape(name)}</span>'


def make_table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    attributes: Sequence[str] = (),
    names: Sequence[int] = (),
    is_stacked: bool = False,
) -> str:
    """Return a table that scrolls sideways, also by keyboard, where it is too wide.

    Args:
        caption: What it holds, HTML.
        head: Titles of the columns, HTML.
        rows: HTML.
        attributes: Of each row, if any has some.
        names: Columns of text.
        is_stacked: Whether each row becomes a block of its own on a phone.
    """

    def kind(place: int) -> str:
        return ' class="text"' if place in names else ''

    def cell(place: int, content: str) -> str:
        label = f' data-label="{head[place]}"' if is_stacked else ''
        return f'<td role="cell"{kind(place)}{label}>{content}</td>'

    titles = ''.join(
        f'<th role="columnheader" scope="col"{kind(place)}>{title}</th>'
        for place, title in enumerate(head)
    )
    body = ''.join(
        f'<tr role="row"{attributes[number] if attributes else ""}>'
        f'<th role="rowheader" scope="row">{first}</th>'
        f'{"".join(cell(place, content) for place, content in enumerate(others, start=1))}</tr>'
        for number, (first, *others) in enumerate(rows)
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table role="table"{" class=stack" if is_stacked else ""}><thead role="rowgroup">'
        f'<tr role="row">{titles}</tr></thead><tbody role="rowgroup">{body}</tbody></table></div>'
    )


def make_figure(chart: Chart) -> str:
    """Return a chart with its title, what its colours mean, and its numbers."""
    only = '' if chart.class_id is None else str(chart.class_id)
    keys = ''.join(f'<span>{series_name(*key)}</span>' for key in chart.legend)
    legend = f'<div class="keys">{keys}</div>' if len(chart.legend) > 1 else ''
    return (
        f'<figure class="chart" data-chart="{chart.name}" data-only="{only}"'
        f'{" hidden" if only else ""}><figcaption><h3>{escape(chart.title)}</h3>'
        f'<p>{escape(chart.caption)}</p>{legend}</figcaption>{to_svg(chart)}{_numbers(chart)}'
        '</figure>'
    )


def make_section(name: str, title: str, lead: str, *parts: str) -> str:
    """Return a section, or nothing where it has no content.

    Args:
        name: Its id.
        title: Text.
        lead: What it shows, HTML.
        parts: Content, HTML.
    """
    if not any(parts):
        return ''
    return (
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>'
        f'<p class="lead">{lead}</p>{"".join(parts)}</section>'
    )


def make_grid(charts: Sequence[Chart]) -> str:
    """Return charts beside each other."""
    figures = ''.join(make_figure(chart) for chart in charts)
    return f'<div class="charts">{figures}</div>' if figures else ''


def _numbers(chart: Chart) -> str:
    if not chart.numbers.rows:
        return ''
    rows = [[escape(text) for text in row] for row in chart.numbers.rows]
    table = make_table(escape(chart.title), [escape(one) for one in chart.numbers.head], rows)
    return f'<details><summary>Numbers</summary>{table}</details>'
