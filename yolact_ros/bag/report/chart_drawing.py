"""Charts drawn by matplotlib: SVG that takes its colours from the page, and PNG files."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from yolact_ros.bag.report.chart_content import OTHER_SERIES, Axis, Bar, Chart
from yolact_ros.bag.report.image_series import Course

if TYPE_CHECKING:
    from matplotlib import axis
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, PLOT_HEIGHT = 460, 200  # units, which are pixels where the page is as wide
TOP, BOTTOM, RIGHT = 26, 52, 16  # units around the plot
LEAST_LEFT, MOST_LEFT = 48, 170  # units left of the plot
NO_LETTERS = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]')  # that XML refuses in names
LETTER = 10  # units that a letter of an axis is wide on a phone
MOST_LETTERS = 17  # of a name beside an axis
BAR_ROW = 12  # units that a row of horizontal bars is high
HEAD = 34  # units for title and legend of a PNG
PNG_WIDTH = 1200  # pixels
INCH = 72  # units

INK, SOFT, FAINT = '#1f2937', '#64748b', '#e2e8f0'
COLORS = ('#2563eb', '#c2410c', '#047857', '#7c3aed', '#be185d', '#4d7c0f')
DASHES = {1: (0, (4, 2)), 2: (0, (1, 2)), OTHER_SERIES: (0, (2.5, 2.5))}
STYLE = {
    'svg.fonttype': 'none',  # text stays text, which the page gives its font
    'svg.hashsalt': 'yolact',
    'text.parse_math': False,
    'font.family': 'DejaVu Sans',  # which comes with matplotlib
    'font.size': 12,
    'text.color': INK,
    'axes.axisbelow': True,
    'axes.formatter.useoffset': False,
    'axes.spines.left': False,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.edgecolor': SOFT,
    'axes.xmargin': 0,
    'axes.ymargin': 0,
    'grid.color': FAINT,
    'lines.linewidth': 1.5,
    'lines.markersize': 3,
    'lines.solid_capstyle': 'round',
    'xtick.major.size': 0,
    'xtick.major.pad': 11,
    'xtick.labelcolor': INK,
    'ytick.major.size': 0,
    'ytick.major.pad': 8,
    'ytick.labelcolor': INK,
}
NO_METADATA = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))  # nor versions nor dates


@contextmanager
def drawing_style() -> Iterator[None]:
    """Draw in this style, whatever the user's own settings are."""
    from matplotlib import style

    with warnings.catch_warnings(), style.context(['default', STYLE]):
        warnings.filterwarnings('ignore', message='Glyph')  # letters that the font has not
        yield


def series_class(series: int) -> str:
    """Return the CSS class that gives a series its colour."""
    return 'other' if series == OTHER_SERIES else f's{series % len(COLORS)}'


def to_png(chart: Chart) -> bytes:
    """Return a chart as a PNG file, 1200 pixels wide; call it in the ``drawing_style``."""
    from matplotlib.patches import Patch

    figure = _draw(chart, HEAD)
    height = figure.get_figheight() * INCH
    figure.text(10 / WIDTH, 1 - 10 / height, chart.words.title, size=13, va='top')
    handles = [Patch(color=_color(series)) for series, _ in chart.legend]
    legend = figure.legend(
        handles,
        [''] * len(handles),
        loc='upper right',
        bbox_to_anchor=(1 - 6 / WIDTH, 1 - 4 / height),
        ncols=max(len(handles), 1),
        frameon=False,
        fontsize=9,
        handlelength=1,
        handleheight=1,
    )
    for label, (_, name) in zip(legend.get_texts(), chart.legend, strict=True):
        label.set_text(name)  # which may begin with an underscore
    file = io.BytesIO()
    figure.savefig(file, format='png', dpi=PNG_WIDTH / WIDTH * INCH, metadata={'Software': None})
    return file.getvalue()


def to_svg(chart: Chart) -> str:
    """Return a chart as an SVG element for a page; call it in the ``drawing_style``.

    Only shapes and texts of matplotlib's drawing stay: colours and fonts are the page's.
    """
    file = io.StringIO()
    figure = _draw(chart)
    figure.savefig(file, format='svg', metadata=NO_METADATA)
    height = round(figure.get_figheight() * INCH)
    svg = Element('svg', viewBox=f'0 0 {WIDTH} {height}')
    svg.set('role', 'group' if chart.spots else 'img')
    svg.set('aria-label', f'{chart.words.title}. {chart.words.caption}')
    drawing = NO_LETTERS.sub('\ufffd', file.getvalue())
    _copy(ElementTree.fromstring(drawing), svg, chart, '')
    return ElementTree.tostring(svg, encoding='unicode')


def _draw(chart: Chart, head: int = 0) -> Figure:
    """Draw a chart; ids of its parts say which ones they are."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    plot = max(PLOT_HEIGHT, BAR_ROW * chart.stacked)
    letters = max((len(_cut(name)) for _, name in chart.y.ticks), default=4)
    left = min(max(letters * LETTER, LEAST_LEFT), MOST_LEFT)
    height = head + TOP + plot + BOTTOM
    figure = Figure(figsize=(WIDTH / INCH, height / INCH), dpi=INCH)
    axes = figure.add_axes(
        (left / WIDTH, BOTTOM / height, 1 - (left + RIGHT) / WIDTH, plot / height)
    )
    axes.patch.set_visible(False)
    axes.spines['bottom'].set_gid('base')
    axes.set(xlim=(0, chart.x.end), ylim=(0, chart.y.end))
    _set_up(axes.xaxis, chart.x, 8)
    _set_up(axes.yaxis, chart.y, 5)
    for title, place, gap, align in (
        (chart.words.x, (1, 0), 8 - BOTTOM, 'right'),
        (chart.words.y, (0, 1), 9, 'left'),
    ):
        axes.annotate(
            title, place, (0, gap), 'axes fraction', 'offset points', ha=align, color=SOFT
        )
    for series, course in chart.curves.items():
        _draw_curve(axes, series, course)
    for number, bar in enumerate(chart.bars):
        gid = f'bar {number}'
        axes.add_patch(Rectangle(bar.corner, *bar.size, color=_color(bar.series), lw=0, gid=gid))
    for number, spot in enumerate(chart.spots):
        marks: dict[str, Any] = {'marker': 'o', 'ms': 6, 'mec': 'white', 'gid': f'spot {number}'}
        axes.plot(spot.x, spot.y, color=_color(spot.series), clip_on=False, zorder=3, **marks)
    return figure


def _set_up(side: axis.Axis, axis: Axis, most: int) -> None:
    """Set ticks and grid of a side, with at most so many round numbers."""
    from matplotlib.ticker import MaxNLocator

    if axis.ticks:
        places, names = zip(*axis.ticks, strict=True)
        side.set_ticks(places, [_cut(name) for name in names])
    else:
        locator = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], integer=axis.is_whole)
        side.set_major_locator(locator)
    side.grid(axis.has_grid)


def _draw_curve(axes: Axes, series: int, course: Course) -> None:
    color, kind = _color(series), series_class(series)
    if not np.array_equal(course.lows, course.highs, equal_nan=True):
        axes.fill_between(
            course.times, course.lows, course.highs, color=color, alpha=0.18, lw=0,
            gid=f'band {kind}',
        )  # fmt: skip
    is_known = np.pad(~np.isnan(course.means), 1)
    is_alone = is_known[1:-1] & ~is_known[:-2] & ~is_known[2:]
    axes.plot(
        course.times, course.means, color=color, ls=DASHES.get(series, '-'), clip_on=False,
        marker='o', markevery=np.flatnonzero(is_alone).tolist(), gid=f'curve {kind}',
    )  # fmt: skip


def _copy(source: Element, svg: Element, chart: Chart, kind: str) -> None:
    """Copy what is seen of matplotlib's drawing into an element.

    Args:
        source: Part of matplotlib's drawing.
        svg: Element of the page.
        chart: What was drawn.
        kind: What the part is: an id that was given, or ``grid``; empty for other things.
    """
    for part in source:
        tag, name = part.tag.rpartition('}')[2], part.get('id', '')
        if tag == 'g':
            is_grid = name.startswith(('xtick', 'ytick'))
            is_ours = name.partition(' ')[0] in ('base', 'band', 'curve', 'bar', 'spot')
            _copy(part, svg, chart, 'grid' if is_grid else name if is_ours else kind)
        elif tag == 'text':
            anchor = re.search('text-anchor: (start|middle|end)', part.get('style', ''))
            text = SubElement(svg, 'text', x=_round(part.get('x')), y=_round(part.get('y')))
            text.set('text-anchor', anchor[1] if anchor else 'start')
            text.text = part.text
        elif kind.startswith('bar') and tag == 'path':
            _add_bar(svg, chart.bars[int(kind.split()[1])], part.get('d', ''))
        elif kind and tag in ('path', 'use'):
            _add_mark(svg, chart, kind, part)


def _add_bar(svg: Element, bar: Bar, path: str) -> None:
    corners = np.array(re.findall(r'[\d.]+', path), dtype=np.float64).reshape(-1, 2)
    (x, y), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    sides = {'x': x, 'y': y, 'width': right - x, 'height': bottom - y}
    rectangle = SubElement(svg, 'rect', {key: _round(side) for key, side in sides.items()})
    rectangle.set('class', f'bar {series_class(bar.series)}')
    if bar.class_id is not None:
        rectangle.set('data-class', str(bar.class_id))
    SubElement(rectangle, 'title').text = bar.note


def _add_mark(svg: Element, chart: Chart, kind: str, part: Element) -> None:
    """Add a line or an area, or a dot at its place."""
    if 'd' in part.attrib:
        path = re.sub(r'[\d.]+', lambda number: _round(number[0]), part.get('d', ''))
        SubElement(svg, 'path', {'class': kind, 'd': ' '.join(path.split())})
        return
    dot = {'cx': _round(part.get('x')), 'cy': _round(part.get('y'))}
    if not kind.startswith('spot'):
        SubElement(svg, 'circle', {**dot, 'class': f'dot {kind.split()[1]}', 'r': '1.5'})
        return
    spot = chart.spots[int(kind.split()[1])]
    link = SubElement(svg, 'a', {'href': f'#{spot.target}', 'aria-label': spot.note})
    circle = {**dot, 'class': f'spot {series_class(spot.series)}', 'r': '5'}
    SubElement(SubElement(link, 'circle', circle), 'title').text = spot.note


def _round(number: str | float | None) -> str:
    return f'{float(number or 0):.1f}'.removesuffix('.0')


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f'{text[: MOST_LETTERS - 1]}…'


def _color(series: int) -> str:
    return SOFT if series == OTHER_SERIES else COLORS[series % len(COLORS)]
