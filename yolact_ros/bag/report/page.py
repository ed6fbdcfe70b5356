"""The page: a template, filled with what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import resources
from typing import NamedTuple

from yolact_ros.bag.evaluate.figures.bootstrap import BETTER, WORSE, Difference, judge
from yolact_ros.bag.evaluate.figures.metric_kinds import Place, Row
from yolact_ros.bag.evaluate.figures.metrics import row_of, rows
from yolact_ros.bag.evaluate.figures.summary import QUANTILES, BagFigures
from yolact_ros.bag.evaluate.plan import EvaluationFacts, EvaluationPlan
from yolact_ros.bag.evaluate.records import FrameRecord
from yolact_ros.bag.io.bag import NS_PER_S
from yolact_ros.bag.report.chart_drawing import series_class, to_svg
from yolact_ros.bag.report.charts import Charts
from yolact_ros.bag.report.image_series import Recording
from yolact_ros.bag.report.pictures import Card

TEMPLATE = 'page.html'


@dataclass(frozen=True)
class Report:
    """All that a report tells.

    Args:
        plan: What was evaluated.
        facts: What is known of its bag, such as topics and classes.
        figures: Figures of each contender.
        differences: Differences of each contender but the first, to the first.
    """

    plan: EvaluationPlan
    facts: EvaluationFacts
    figures: Sequence[BagFigures]
    differences: Sequence[Mapping[str, Difference]] = ()


class Comparison(NamedTuple):
    """A contender against the first one.

    Attributes:
        series: Number of the contender.
        verdict: What is better and what is worse, in words.
        figures: Figures that at least one of the two has: what each is, its values of the first
            and of this one, how much they differ, the interval, and the verdict; the last three
            are empty if not known.
    """

    series: int
    verdict: str
    figures: Sequence[tuple[Row, tuple[str, ...]]]


def make_page(report: Report, recording: Recording, charts: Charts, cards: Sequence[Card]) -> str:
    """Return the page.

    Args:
        report: What the page tells.
        recording: Images and results.
        charts: Charts, by the section that shows them.
        cards: Pictures, in the order in which they are shown.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader(__package__ or '', 'template'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(color=series_class, draw=lambda chart: Markup(to_svg(chart)))
    seconds = dict(zip((one.key for one in recording.frames), recording.seconds, strict=True))
    return environment.get_template(TEMPLATE).render(
        report=report,
        names=[one.name for one in report.figures],
        facts=_facts(report, recording),
        style=Markup(_read('page.css')),
        script=Markup(_read('page.js')),
        classes=[(one, report.facts.class_names[one]) for one in recording.class_ids],
        tiles=rows(Place.TILE),
        figures=_shown_rows(),
        comparisons=[_compare(report, one) for one in range(1, len(report.figures))],
        class_rows=_class_rows(report, recording.class_ids),
        latency_rows=_latency_rows(report),
        charts={field.name: getattr(charts, field.name) for field in fields(charts)},
        cards=cards,
        seconds=seconds,
        numbers=lambda record: _numbers(report, record),
    )


def _shown_rows() -> list[Row]:
    """Return the rows of the table of figures: those of masks first."""
    return sorted(rows(Place.TABLE), key=lambda row: not row.name.startswith('mask'))


def _facts(report: Report, recording: Recording) -> str:
    first = report.figures[0]
    facts = [
        f'{first.images} images of {", ".join(report.facts.images.topics)} in {report.plan.bag}, '
        f'{recording.seconds[-1]:.1f} s',
        f'score threshold {report.plan.score_threshold:g}',
    ]
    if first.objects is not None:
        facts.append(f'{first.objects} objects in the truth ({", ".join(report.plan.truth)})')
    if first.skipped:
        facts.append(f'{first.skipped} images could not be read and were skipped')
    facts += [
        f'{one.name} has no result of {one.missing} images'
        for one in report.figures
        if one.missing
    ]
    if report.facts.unknown_classes:
        facts.append(
            f'left out, as a model does not know them: {", ".join(report.facts.unknown_classes)}'
        )
    return f'{"; ".join(facts)}.'


def _compare(report: Report, series: int) -> Comparison:
    differences = report.differences[series - 1]
    verdicts = {name: judge(name, one) for name, one in differences.items()}
    parts = []
    for word in (BETTER, WORSE):
        titles = [row_of(name).title for name, verdict in verdicts.items() if verdict == word]
        if titles:
            parts.append(f'{word} in {", ".join(titles)}')
    first, other = (report.figures[one].values for one in (0, series))
    compared = [
        (
            row,
            (
                row.write(first[row.name]),
                row.write(other[row.name]),
                *_write_difference(row, differences.get(row.name)),
            ),
        )
        for row in _shown_rows()
        if first[row.name] is not None or other[row.name] is not None
    ]
    return Comparison(series, '; '.join(parts) or 'neither better nor worse', compared)


def _write_difference(row: Row, difference: Difference | None) -> tuple[str, str, str]:
    from markupsafe import Markup

    if difference is None:
        return '', '', ''
    ends = ' to '.join(row.write(end, is_signed=True) for end in (difference.low, difference.high))
    verdict = judge(row.name, difference)
    kind = {BETTER: ' class="good"', WORSE: ' class="bad"'}.get(verdict, '')
    return (
        row.write(difference.value, is_signed=True),
        ends if difference.low is not None else '-',
        Markup('<span{}>{}</span>').format(Markup(kind), verdict),
    )


def _class_rows(report: Report, class_ids: Sequence[int]) -> list[tuple[int, int, list[str]]]:
    """Return the figures of each class: its id, the contender, and cells."""
    shown = [row_of(one) for one in ('mask_ap', 'box_ap', 'stability', 'flicker_per_minute')]
    found = []
    for class_id in class_ids:
        name = report.facts.class_names[class_id]
        for series, figures in enumerate(report.figures):
            count, (box, mask), steadiness = figures.of_class(name)
            values = zip(shown, (mask, box, *steadiness), strict=True)
            cells = [str(count), *(row.write(value) for row, value in values)]
            found.append((class_id, series, cells))
    return found


def _latency_rows(report: Report) -> list[tuple[str, int, list[str]]]:
    """Return milliseconds by stage: the stage, the contender, and cells."""
    timed = [one for one in report.figures if one.latency]
    return [
        (
            stage,
            series,
            [f'{1000 * one.latency[stage][name]:.1f}' for name in ('mean', *QUANTILES)],
        )
        for stage in (timed[0].latency if timed else ())
        for series, one in enumerate(report.figures)
        if one.latency
    ]


def _numbers(report: Report, record: FrameRecord) -> str:
    """Return what is known of an image, in words."""
    parts = [f'{record.topic}, stamp {record.stamp / NS_PER_S:.3f} s']
    if record.objects is not None:
        parts.append(f'{record.objects} objects')
    is_alone = len(report.figures) == 1
    for series, (figures, result) in enumerate(zip(report.figures, record.results, strict=True)):
        numbers = [f'{len(result.class_ids)} found']
        if result.truth is not None:
            numbers.append(f'quality {result.truth.quality:.3f}')
        if series:
            numbers.append(f'agreement {record.agreement[series]:.3f}')
        parts.append(f'{"" if is_alone else f"{figures.name}: "}{", ".join(numbers)}')
    return '; '.join(parts)


def _read(name: str) -> str:
    return (resources.files(__package__) / 'template' / name).read_text(encoding='utf-8')
