"""A picture of speed, and of what it costs in accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.benchmark.report import Report, Result
from yolact_core.benchmark.variants import TOTAL
from yolact_core.errors import package_needed
from yolact_core.files import replace_when_done
from yolact_core.palette import make_palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STAGE_COLORS = {
    'preprocess': '#9ecae1',
    'network': '#3182bd',
    'nms': '#fdae6b',
    'masks': '#e6550d',
}
REST = '#969696'  # of time that belongs to no stage
WIDTH, ROW, MARGIN = 7.0, 0.45, 1.6  # inches
ROOM = 1.15  # for the times, right of the longest bar


def require_matplotlib() -> None:
    """Raise InputError if it is not installed."""
    with package_needed('matplotlib', 'plot', 'to draw a plot'):
        import matplotlib  # noqa: F401


def draw_plot(report: Report, path: Path) -> None:
    """Draw the time of each variant by stage, and speed against accuracy if that is known.

    Args:
        report: Figures to draw.
        path: File to write; an older one is replaced only when the new one is complete.

    Raises:
        InputError: Matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rated = [result for result in report.results if result.mask_ap is not None]
    panels = 2 if rated else 1
    height = MARGIN + ROW * max(len(report.results), 6 if rated else 1)
    figure = Figure(figsize=(WIDTH * panels, height), layout='constrained')
    FigureCanvasAgg(figure)
    axes: list[Axes] = list(figure.subplots(1, panels, squeeze=False)[0])
    _draw_stages(axes[0], report.results)
    if rated:
        _draw_accuracy(axes[1], rated)
    threads = report.machine['threads']
    where = report.machine.get('gpu', f'{report.machine["cpu"]}, {threads} threads')
    figure.suptitle(f'{report.workload}; {where}', fontsize='medium')
    with replace_when_done(path) as unfinished:
        figure.savefig(unfinished, dpi=150)


def _draw_stages(axes: Axes, results: Sequence[Result]) -> None:
    names = [result.name for result in results]
    ends = [0.0] * len(results)
    for stage, color in (*STAGE_COLORS.items(), ('', REST)):
        widths = [_width(result, stage) for result in results]
        label = stage or ('all stages' if any(widths) else None)
        axes.barh(names, widths, left=ends, color=color, label=label)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    for row, result in enumerate(results):
        total = result.stages[TOTAL].p50
        axes.annotate(
            f'{total:.0f} ms' if total >= 10 else f'{total:.1f} ms',
            (max(ends[row], total), row),
            xytext=(4, 0),
            textcoords='offset points',
            va='center',
            fontsize='small',
        )
    axes.invert_yaxis()
    axes.set_xlim(0, ROOM * max(ends))
    axes.set_xlabel('median milliseconds an image')
    axes.legend(fontsize='small', loc='lower left', bbox_to_anchor=(0, 1), ncols=len(STAGE_COLORS))
    _tidy(axes)


def _width(result: Result, stage: str) -> float:
    if stage:
        return result.stages[stage].p50 if stage in result.stages else 0.0
    return 0.0 if 'network' in result.stages else result.stages[TOTAL].p50


def _draw_accuracy(axes: Axes, rated: Sequence[Result]) -> None:
    palette = make_palette(len(rated))
    for result, color in zip(rated, palette, strict=True):
        rgb = [channel / 255 for channel in color]
        speed, accuracy = result.images_per_second, result.mask_ap or 0.0
        axes.scatter(speed, accuracy, s=60, color=rgb, edgecolors='black', label=result.name)
    axes.legend(fontsize='small')
    axes.margins(x=0.1, y=0.15)
    axes.set_xlabel('images a second')
    axes.set_ylabel('mask AP, percent')
    axes.grid(alpha=0.3)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.spines[['top', 'right']].set_visible(False)
