"""Write a report: look again at the images that matter, draw charts, fill in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_ros.bag.evaluate.figures.bootstrap import Difference
from yolact_ros.bag.evaluate.figures.summary import BagFigures
from yolact_ros.bag.evaluate.jobs import EvaluatedBag, kept_evaluation
from yolact_ros.bag.evaluate.records import FrameRecord
from yolact_ros.bag.report.chart_drawing import drawing_style, to_png
from yolact_ros.bag.report.charts import ChartMaker
from yolact_ros.bag.report.image_series import Recording
from yolact_ros.bag.report.page import Report, make_page
from yolact_ros.bag.report.pictures import draw_cards
from yolact_ros.bag.report.selection import select_frames

PACKAGES = ('matplotlib', 'jinja2')
INSTALL = "pip install 'yolact[plot]'"


def require_packages() -> None:
    """Raise InputError if what a report is drawn with is not installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f'package {missing[0]} must be installed to write a report, got none: {INSTALL}'
        )


def write_report(
    path: Path,
    bag: EvaluatedBag,
    figures: Sequence[BagFigures],
    differences: Sequence[Mapping[str, Difference]] = (),
) -> None:
    """Write a page that needs nothing else, and its charts as PNG in a folder beside it.

    Args:
        path: File of the page; ``NAME.html`` has its charts in ``NAME_figures``.
        bag: Bag that was evaluated; images of it are looked at again.
        figures: Figures of each contender.
        differences: Differences of each contender but the first, to the first.

    Raises:
        InputError: A package is missing, no image could be read, or a file cannot be written.
    """
    require_packages()
    frames = [record for record in bag.records if isinstance(record, FrameRecord)]
    if not frames:
        raise InputError('a report needs an image that can be read, got none')
    opened = kept_evaluation.open(bag.job, lambda _: None)
    class_names = opened.class_names
    recording = Recording(frames)
    picks = select_frames(recording, class_names, bag.job.score_threshold)
    names = [one.name for one in figures]
    cards = draw_cards(picks, frames, names, class_names, opened.evaluator.view)
    charts = ChartMaker(recording, figures, class_names, cards).make()
    report = Report(bag.job, opened, figures, differences)
    with drawing_style():
        _write(path, make_page(report, recording, charts, cards).encode())
        for chart in charts.whole:
            picture = path.with_name(f'{path.stem}_figures') / f'{chart.words.name}.png'
            _write(picture, to_png(chart))


def _write(path: Path, content: bytes) -> None:
    try:
        with replace_when_done(path) as unfinished:
            unfinished.write_bytes(content)
    except OSError as error:
        raise InputError(f'{path} must be writable: {error.strerror}') from error
