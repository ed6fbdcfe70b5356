"""What was measured, as cells of tables."""

from __future__ import annotations

from yolact_core.benchmark.report import Report, Spread

STAGES = ('preprocess', 'network', 'nms', 'masks', 'total')


def columns_of(report: Report) -> dict[str, list[str | None]]:
    """Return the cells of all variants, by title; columns without any figure are dropped."""
    results = report.results
    columns: dict[str, list[str | None]] = {
        stage: [
            _rounded(one.stages[stage].p50 if stage in one.stages else None) for one in results
        ]
        for stage in STAGES
    }
    columns['p95'] = [_rounded(one.stages['total'].p95) for one in results]
    columns['CPU'] = [_rounded(one.processor.p50) for one in results]
    columns['images/s'] = [_rounded(one.images_per_second) for one in results]
    for name in dict.fromkeys(name for one in results for name in one.times_faster):
        columns[f'times {name}'] = [_spread(one.times_faster.get(name)) for one in results]
    columns['busy'] = [_spread(one.busy_slowdown) for one in results]
    columns['MiB'] = [_rounded(one.host_mib, 0) for one in results]
    columns['GPU MiB'] = [_rounded(one.device_mib, 0) for one in results]
    columns['instances'] = [_rounded(one.instances) for one in results]
    columns['mask AP'] = [_rounded(one.mask_ap, 2) for one in results]
    return {title: cells for title, cells in columns.items() if any(cells)}


def _spread(spread: Spread | None) -> str | None:
    """Return the median, and the quartiles that it lies between."""
    if spread is None:
        return None
    return f'{spread.median:.2f} ({spread.low:.2f} to {spread.high:.2f})'


def _rounded(value: float | None, digits: int = 1) -> str | None:
    return None if value is None else f'{value:.{digits}f}'
