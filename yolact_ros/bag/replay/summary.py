"""What is said of a bag of results."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yolact_ros.bag.replay.resumable_output import Progress


def summarize(
    done: Progress, resumed: int, seconds: Sequence[float], reasons: Sequence[str]
) -> dict[str, Any]:
    """Return everything as plain values; only ``median_seconds`` differs from run to run.

    Args:
        done: In all.
        resumed: Images of these that an earlier run did.
        seconds: Of each image that was processed now.
        reasons: Why images could not be read.
    """
    return {
        'images': done.images,
        'of_earlier_run': resumed,
        'skipped': done.skipped,
        'instances': dict(sorted(done.instances.items(), key=lambda item: -item[1])),
        'median_seconds': statistics.median(seconds) if seconds else None,
        'reasons': list(reasons),
    }


def describe(summary: dict[str, Any], is_done: bool, parts: Path) -> str:
    """Return the same in words.

    Args:
        summary: With ``model`` and ``output``.
        is_done: Whether that is all.
        parts: Folder of what is done, if it is not.
    """
    per_class = ', '.join(f'{count} {name}' for name, count in summary['instances'].items())
    lines = [f'{summary["images"]} images by {summary["model"]}: {per_class or "nothing found"}']
    if summary['of_earlier_run']:
        lines.append(f'{summary["of_earlier_run"]} of them were done by an earlier run')
    if summary['skipped']:
        reasons = '; '.join(summary['reasons'])
        lines.append(f'{summary["skipped"]} images could not be read and were skipped: {reasons}')
    if summary['median_seconds'] is not None:
        lines.append(f'{1000 * summary["median_seconds"]:.1f} ms per image (median)')
    lines.append(
        f'written to {summary["output"]}'
        if is_done
        else f'stopped; what is done is in {parts}, and the same command goes on'
    )
    return '\n'.join(lines)
