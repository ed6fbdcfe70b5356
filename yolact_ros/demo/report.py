"""What is left of a demo: files, and a short table."""

from __future__ import annotations

import json
from pathlib import Path

from rich.table import Table

from yolact_core.files import replace_when_done
from yolact_core.terminal import say, say_table
from yolact_ros.demo.pictures import write_contact_sheet, write_overlay_video
from yolact_ros.demo.recorder import OVERLAY
from yolact_ros.demo.summary import Results, Summary

RESULTS = 'results.mcap'
PRODUCTS = {
    RESULTS: 'what the node published: a bag',
    'overlay.mp4': 'all overlays',
    'contact_sheet.png': 'one overlay a second',
    'summary.json': 'these numbers',
}


def forget(folder: Path) -> None:
    """Remove what an earlier demo left, so that nothing old is taken for new."""
    for name in PRODUCTS:
        (folder / name).unlink(missing_ok=True)


def report(folder: Path) -> None:
    """Make pictures and a summary of the recording in a folder, and show the summary.

    Raises:
        InputError: The recording holds no answer of the node.
    """
    results = Results(folder / RESULTS)
    summary, overlays = results.summarize(), results.of(OVERLAY)
    write_overlay_video(folder / 'overlay.mp4', overlays, summary.rate)
    write_contact_sheet(folder / 'contact_sheet.png', overlays)
    with replace_when_done(folder / 'summary.json') as unfinished:
        unfinished.write_text(json.dumps(summary.to_mapping(), indent=2) + '\n')
    _show(summary)
    for name, meaning in PRODUCTS.items():
        say(f'{folder / name}: {meaning}')


def _show(summary: Summary) -> None:
    images = summary.images
    ends = ', '.join(
        f'{images[name]} {name.replace("_", " ")}'
        for name in ('dropped_busy', 'dropped_stale', 'unreadable', 'failed', 'lost')
    )
    say(f'{summary.model} on {summary.device}')
    say(f'{images["published"]} images: {images["processed"]} processed, {ends}')
    say(f'{summary.rate:.1f} results a second over {summary.seconds:.1f} s')
    table = Table('stage, ms', 'p50', 'p95', 'max')
    for column in table.columns[1:]:
        column.justify = 'right'
    for stage, spread in summary.milliseconds.items():
        table.add_row(
            stage.replace('_', ' '), *(f'{v:.1f}' for v in (spread.p50, spread.p95, spread.max))
        )
    say_table(table)
    found = ', '.join(f'{count} {name}' for name, count in summary.instances.items())
    say(f'instances: {found or "nothing found"}')
