"""Write a report: look again at the images that matter, draw charts, fill in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.media.image_files import write_image
from yolact_ros.bag.evaluate.bootstrap import Difference
from yolact_ros.bag.evaluate.figures import BagFigures
from yolact_ros.bag.evaluate.plan import EvaluationPlan, OpenEvaluation
from yolact_ros.bag.evaluate.records import FrameRecord, Record
from yolact_ros.bag.report.charts import ChartMaker
from yolact_ros.bag.report.page import make_page
from yolact_ros.bag.report.pictures import Look, draw_cards
from yolact_ros.bag.report.png import to_picture
from yolact_ros.bag.report.selection import select_frames
from yolact_ros.bag.report.series import in_time
from yolact_ros.bag.report.spots import lead_to


@dataclass(frozen=True)
class Report:
    """All that a report tells.

    Args:
        bag: As it was named.
        topics: Of images.
        truth: As it was named; empty if there is none.
        score_threshold: What scores above it counts as found.
        class_names: That take part.
        unknown_classes: Of the truth, which a model does not know.
        records: Of all images, as ``merge`` gives them.
        figures: Of each contender.
        differences: Of each contender but the first, to the first.
    """

    bag: str
    topics: Sequence[str]
    truth: Sequence[str]
    score_threshold: float
    class_names: Sequence[str]
    unknown_classes: Sequence[str]
    records: Sequence[Record]
    figures: Sequence[BagFigures]
    differences: Sequence[Mapping[str, Difference]] = ()

    @classmethod
    def of(
        cls,
        plan: EvaluationPlan,
        opened: OpenEvaluation,
        records: Sequence[Record],
        figures: Sequence[BagFigures],
        differences: Sequence[Mapping[str, Difference]] = (),
    ) -> Report:
        """Return the report of a plan that was worked on."""
        return cls(
            bag=str(plan.bag),
            topics=opened.topics,
            truth=plan.truth,
            score_threshold=plan.score_threshold,
            class_names=opened.class_names,
            unknown_classes=opened.unknown_classes,
            records=records,
            figures=figures,
            differences=differences,
        )


def write_report(report: Report, path: Path, look: Look) -> list[Path]:
    """Write a page that needs nothing else, and its charts as PNG in a folder beside it.

    Args:
        report: What it tells.
        path: Of the page; ``NAME.html`` has its charts in ``NAME_figures``.
        look: Reads an image and finds again what is in it.

    Returns:
        The page, then the charts.

    Raises:
        InputError: No image could be read, or a file cannot be written.
    """
    frames = [record for record in report.records if isinstance(record, FrameRecord)]
    if not frames:
        raise InputError('a report needs an image that can be read, got none')
    names = [one.name for one in report.figures]
    picks = select_frames(frames, report.class_names, report.score_threshold)
    cards = draw_cards(picks, frames, names, report.class_names, look)
    ordered = in_time(frames)
    charts = ChartMaker(
        ordered, report.figures, report.class_names, lead_to(cards, ordered)
    ).make()
    page = make_page(report, charts, cards, ordered)
    try:
        with replace_when_done(path) as unfinished:
            unfinished.write_text(page, encoding='utf-8')
    except OSError as error:
        raise InputError(f'{path} must be writable: {error.strerror}') from error
    written = [path]
    for chart in charts.whole:
        written.append(path.with_name(f'{path.stem}_figures') / f'{chart.name}.png')
        write_image(written[-1], to_picture(chart))
    return written
