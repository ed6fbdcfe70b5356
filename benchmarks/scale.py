"""How throughput grows with cores, workers and cameras, as tables in Markdown and a plot.

``scale.py``: all of it; ``scale.py --only bags`` and ``--only nodes``: half of it. The model is
``indoor`` as ``auto`` runs it. ``docs/fleet.md`` plans with the figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import scale_bags
from scale_bags import BagFigures, measure_bags

from yolact_core.benchmark.plot import require_matplotlib
from yolact_core.files import replace_when_done

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from scale_nodes import NodeFigures

BLUE, ORANGE, GREY = '#3182bd', '#fdae6b', '#969696'


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    print()
    for row in (titles, ['---'] * len(titles), *rows):
        print(f'| {" | ".join(row)} |')


def print_bags(figures: Sequence[BagFigures]) -> None:
    """Print what an image of a bag takes."""
    width, height = scale_bags.SIZE
    print(f'\n`yolact bag run --model indoor`, JPEGs of {width}x{height}')
    titles = ('cores', 'how', 'images/s', 'a core', 'CPU ms an image', 'start, s', 'MiB')
    rows = [
        (
            str(one.case.cores),
            one.case.name,
            f'{one.rate:.1f}',
            f'{one.rate / one.case.cores:.1f}',
            f'{1000 * one.cpu:.0f}',
            f'{one.start:.1f}',
            f'{one.memory:.0f}',
        )
        for one in figures
    ]
    print_table(titles, rows)


def print_nodes(figures: Sequence[NodeFigures]) -> None:
    """Print what the cameras of a node take."""
    print('\none node, `indoor`, raw images of 640x480')
    titles = ('cameras', 'images/s sent', 'processed', 'dropped for newer ones')
    titles += ('CPU ms an image', 'callback to published, ms', '95 %', 'MiB')
    rows = [
        (
            str(one.cameras),
            f'{one.offered:.1f}',
            f'{one.processed:.1f}',
            f'{one.dropped:.1f}',
            f'{1000 * one.cpu:.0f}',
            f'{1000 * one.latency:.0f}',
            f'{1000 * one.latency_95:.0f}',
            f'{one.memory:.0f}',
        )
        for one in figures
    ]
    print_table(titles, rows)


def draw_plot(bags: Sequence[BagFigures], nodes: Sequence[NodeFigures], path: Path) -> None:
    """Draw images a second of bags by case, and of nodes by the number of cameras."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [panel for panel in (bags, nodes) if panel]
    figure = Figure(figsize=(6.0 * len(panels), 3.2), layout='constrained')
    FigureCanvasAgg(figure)
    axes: list[Axes] = list(figure.subplots(1, len(panels), squeeze=False)[0])
    if bags:
        draw_bags(axes[0], bags)
    if nodes:
        draw_nodes(axes[-1], nodes)
    with replace_when_done(path) as unfinished:
        figure.savefig(unfinished, dpi=120)


def draw_bags(axes: Axes, figures: Sequence[BagFigures]) -> None:
    """Draw images a second as bars."""
    names = [f'{one.case.name}, cores: {one.case.cores}'.replace('`', '') for one in figures]
    bars = axes.barh(names, [one.rate for one in figures], color=BLUE)
    axes.bar_label(bars, fmt='%.1f', padding=3, fontsize='small')
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel('images a second from a bag')
    axes.spines[['top', 'right']].set_visible(False)


def draw_nodes(axes: Axes, figures: Sequence[NodeFigures]) -> None:
    """Draw what is sent and processed, and how long an image takes."""
    cameras = [one.cameras for one in figures]
    axes.plot(cameras, [one.offered for one in figures], color=GREY, marker='o', label='sent')
    processed = [one.processed for one in figures]
    axes.plot(cameras, processed, color=BLUE, marker='o', label='processed')
    axes.set_xticks(cameras)
    axes.set_ylim(bottom=0)
    axes.set_xlabel('cameras of one node')
    axes.set_ylabel('images a second')
    times = axes.twinx()
    latencies = [1000 * one.latency for one in figures]
    times.plot(cameras, latencies, color=ORANGE, marker='s', label='callback to published')
    times.set_ylim(bottom=0)
    times.set_ylabel('milliseconds')
    lines = [*axes.lines, *times.lines]
    axes.legend(lines, [str(line.get_label()) for line in lines], fontsize='small')


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--only', choices=('bags', 'nodes'), help='default: both')
    parser.add_argument('--rounds', type=int, default=1, help='of the bags (default: 1)')
    parser.add_argument('--plot', type=Path, default=Path('out/scale.png'))
    arguments = parser.parse_args()
    require_matplotlib()
    bags: list[BagFigures] = []
    nodes: list[NodeFigures] = []
    if arguments.only != 'nodes':
        bags = measure_bags(arguments.rounds)
        print_bags(bags)
    if arguments.only != 'bags':
        from scale_nodes import measure_nodes

        nodes = measure_nodes()
        print_nodes(nodes)
    draw_plot(bags, nodes, arguments.plot)


if __name__ == '__main__':
    main()
