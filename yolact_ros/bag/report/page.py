"""The page: a template, filled with what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from yolact_ros.bag.evaluate.records import FrameRecord
from yolact_ros.bag.io.bag import NS_PER_S
from yolact_ros.bag.report.charts import Charts
from yolact_ros.bag.report.html import make_grid, make_section, series_name
from yolact_ros.bag.report.pictures import Card, Picture
from yolact_ros.bag.report.series import list_classes, seconds_of
from yolact_ros.bag.report.summary import class_table, latency_table, summarize

if TYPE_CHECKING:
    from yolact_ros.bag.report.report import Report

SECTIONS = {
    'summary': 'Summary',
    'classes': 'Classes',
    'course': 'Over time',
    'distributions': 'Scores and sizes',
    'latency': 'Latency',
    'images': 'Images',
}
FOOTER = (
    'Every figure is defined with its formula in docs/bag_metrics.md. '
    'The charts lie as PNG files beside this page.'
)


def make_page(
    report: Report, charts: Charts, cards: Sequence[Card], frames: Sequence[FrameRecord]
) -> str:
    """Return the page.

    Args:
        report: What it tells.
        charts: Drawn into it.
        cards: Shown in it.
        frames: In the order of recording, at least one.
    """
    class_ids = list_classes(frames)
    bodies = _sections(report, charts, cards, frames)
    kind = 'Comparison on a bag' if len(report.figures) > 1 else 'Evaluation on a bag'
    heading = ' against '.join(escape(one.name) for one in report.figures)
    return Template(_read('page.html')).substitute(
        title=f'{heading} on {escape(report.bag)}',
        style=_read('page.css'),
        script=_read('page.js'),
        kind=kind,
        heading=heading,
        facts=_facts(report, frames),
        legend=_legend(report),
        sections=''.join(
            f'<a href="#{name}">{SECTIONS[name]}</a>' for name, body in bodies.items() if body
        ),
        options=''.join(
            f'<option value="{one}">{escape(report.class_names[one])}</option>'
            for one in class_ids
        ),
        content='\n'.join(body for body in bodies.values() if body),
        footer=FOOTER,
    )


def _sections(
    report: Report, charts: Charts, cards: Sequence[Card], frames: Sequence[FrameRecord]
) -> dict[str, str]:
    """Return the content of each section; empty where there is none."""
    seconds = dict(zip(map(id, frames), seconds_of(frames).tolist(), strict=True))
    drawn = ''.join(_card(report, card, seconds[id(card.pick.record)]) for card in cards)
    parts = {
        'summary': ('', summarize(report)),
        'classes': (
            'Found are instances above the score threshold; AP counts all scores.',
            make_grid(charts.classes),
            class_table(report, list_classes(frames)),
        ),
        'course': (
            'Where a bag is long, a line is the mean of successive images, and the band behind '
            'it goes from the least of them to the greatest. Dots lead to pictures.',
            make_grid(charts.courses),
        ),
        'distributions': (
            'All instances above the score threshold.',
            make_grid(charts.distributions),
        ),
        'latency': (
            'Measured on the machine that made this report; these figures alone differ when it '
            'is made again.',
            make_grid(charts.latency),
            latency_table(report),
        ),
        'images': (
            'Those that most deserve a look, with what was found drawn over them.',
            f'<div class="cards">{drawn}</div>' if drawn else '',
        ),
    }
    return {
        name: make_section(name, SECTIONS[name], lead, *content)
        for name, (lead, *content) in parts.items()
    }


def _facts(report: Report, frames: Sequence[FrameRecord]) -> str:
    first = report.figures[0]
    duration = seconds_of(frames)[-1]
    facts = [
        f'{first.images} images of {", ".join(report.topics)} in {report.bag}, {duration:.1f} s',
        f'score threshold {report.score_threshold:g}',
    ]
    if first.objects is not None:
        facts.append(f'{first.objects} objects in the truth ({", ".join(report.truth)})')
    if first.skipped:
        facts.append(f'{first.skipped} images could not be read and were skipped')
    facts += [
        f'{one.name} has no result of {one.missing} images'
        for one in report.figures
        if one.missing
    ]
    if report.unknown_classes:
        facts.append(
            f'left out, as a model does not know them: {", ".join(report.unknown_classes)}'
        )
    return f'{escape("; ".join(facts))}.'


def _legend(report: Report) -> str:
    if len(report.figures) == 1:
        return ''
    names = ''.join(
        f'<li>{series_name(series, one.name)}</li>' for series, one in enumerate(report.figures)
    )
    return f'<ul class="legend" aria-label="Contenders">{names}</ul>'


def _card(report: Report, card: Card, seconds: float) -> str:
    record = card.pick.record
    chips = ''.join(f'<span class="chip">{escape(one)}</span>' for one in card.pick.reasons)
    classes = ' '.join(str(one) for one in sorted(card.class_ids))
    pictures = ''.join(_picture(one) for one in card.pictures)
    return (
        f'<article class="card" id="{escape(card.id)}" tabindex="-1" data-classes="{classes}">'
        f'<header><h3>Image {record.index}, {seconds:.2f} s</h3>{chips}</header>'
        f'<p class="why">{escape(_numbers(report, record))}</p>'
        f'<div class="pictures">{pictures}</div></article>'
    )


def _numbers(report: Report, record: FrameRecord) -> str:
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


def _picture(picture: Picture) -> str:
    height, width = picture.size
    return (
        f'<figure><figcaption>{escape(picture.title)}</figcaption><img src="{picture.source}" '
        f'alt="{escape(picture.description)}" width="{width}" height="{height}" '
        'decoding="async"></figure>'
    )


def _read(name: str) -> str:
    return (resources.files(__package__) / 'template' / name).read_text(encoding='utf-8')
