"""The figures of a benchmark as a table."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from yolact_core.terminal import say, say_table

if TYPE_CHECKING:
    from yolact_core.benchmark import Report, Result, Spread

STAGES = ('preprocess', 'network', 'nms', 'masks', 'total')
UNKNOWN = '-'


def say_report(report: Report) -> None:
    """Write what was measured, and what could not be."""
    from rich.table import Table

    machine = report.machine
    versions = ', '.join(
        f'{name} {version}' for name, version in machine['versions'].items() if version
    )
    where = f'{machine["gpu"]}; ' if 'gpu' in machine else ''
    say(f'{where}{machine["cpu"]}, {machine["threads"]} threads; {versions}')
    say(f'{report.workload}; {report.rounds} rounds, all in turn in each')
    table = Table('ms, median')
    for title in _columns(report):
        table.add_column(title, justify='right')
    for result in report.results:
        cells = (_known(cell, result) for cell in _columns(report).values())
        table.add_row(result.name, *cells)
    say_table(table)
    for name, reason in report.left_out.items():
        say(f'{name}: left out: {reason}')


def _columns(report: Report) -> dict[str, Callable[[Result], str | None]]:
    """Return what is told of each variant, by the title; columns that tell nothing are dropped."""
    columns: dict[str, Callable[[Result], str | None]] = {
        stage: partial(_time, stage) for stage in STAGES
    }
    columns['p95'] = lambda result: f'{result.stages["total"].p95:.1f}'
    columns['CPU'] = lambda result: f'{result.processor.p50:.1f}'
    columns['images/s'] = lambda result: f'{result.images_per_second:.1f}'
    references = dict.fromkeys(name for one in report.results for name in one.times_faster)
    for name in references:
        columns[f'times {name}'] = partial(_times_faster, name)
    columns['busy'] = lambda result: _spread(result.busy_slowdown)
    columns['MiB'] = lambda result: _rounded(result.host_mib, 0)
    columns['GPU MiB'] = lambda result: _rounded(result.device_mib, 0)
    columns['instances'] = lambda result: f'{result.instances:.1f}'
    columns['mask AP'] = lambda result: _rounded(result.mask_ap, 2)
    return {
        title: cell
        for title, cell in columns.items()
        if any(cell(result) is not None for result in report.results)
    }


def _known(cell: Callable[[Result], str | None], result: Result) -> str:
    text = cell(result)
    return UNKNOWN if text is None else text


def _time(stage: str, result: Result) -> str | None:
    return f'{result.stages[stage].p50:.1f}' if stage in result.stages else None


def _times_faster(reference: str, result: Result) -> str | None:
    return _spread(result.times_faster.get(reference))


def _spread(spread: Spread | None) -> str | None:
    """Return the median, and the quartiles that it lies between."""
    if spread is None:
        return None
    return f'{spread.median:.2f} ({spread.low:.2f} to {spread.high:.2f})'


def _rounded(value: float | None, digits: int) -> str | None:
    return None if value is None else f'{value:.{digits}f}'
