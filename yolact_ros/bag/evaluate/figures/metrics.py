"""Every figure of a bag in one row: tables, limits, comparisons and reports follow from it.

A new figure is a row of ``METRICS`` and, where no record holds its numbers yet, the code that
measures them in one image.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from yolact_ros.bag.evaluate.figures.metric_kinds import (
    COMPARED,
    EVERYWHERE,
    HIDDEN,
    SHOWN,
    Floats,
    Identity,
    Latency,
    Metric,
    Place,
    Precision,
    Row,
    per_minute,
)
from yolact_ros.bag.evaluate.figures.steadiness_metrics import STEADINESS
from yolact_ros.bag.evaluate.records import FrameResult


def all_rows() -> tuple[Row, ...]:
    """Return every figure."""
    return METRICS


def rows(places: Place) -> list[Row]:
    """Return the figures that are shown in a place, or in each of several."""
    return [row for row in METRICS if places in row.places]


def row_of(name: str) -> Row:
    """Return the row of a figure."""
    return next(row for row in METRICS if row.name == name)


def rows_by_class() -> list[Metric]:
    """Return the figures that instances of one class have, too."""
    return [row for row in METRICS if isinstance(row, Metric) and row.by_class]


def _quality(result: FrameResult, _: FrameResult | None) -> Floats:
    return np.array([result.truth.quality] if result.truth else [])


def _lost_tracks(result: FrameResult, before: FrameResult | None) -> float:
    """Return how many objects of the truth were found in the image before and no longer are."""
    if not (result.truth and result.steadiness and before and before.truth):
        return 0
    found = dict(zip(before.truth.tracks, before.truth.is_found, strict=True))
    now = dict(zip(result.truth.tracks, result.truth.is_found, strict=True))
    return sum(found.get(track, False) and not is_found for track, is_found in now.items())


def _tracked_seconds(result: FrameResult, _: FrameResult | None) -> float:
    return result.steadiness.seconds if result.truth and result.steadiness else 0.0


def _precision(kind: str, part: str, title: str = '', text: str = '') -> Precision:
    """Return a row of average precision; without a title it is only in the JSON."""
    places = HIDDEN if not title else COMPARED if part == 'ap' else SHOWN
    if (kind, part) == ('mask', 'ap'):
        places |= Place.TILE
    if part == 'ap':
        places |= Place.OVERVIEW
    return Precision(
        name=f'{kind}_{part}', title=title, text=text, places=places, kind=kind, part=part
    )


milliseconds = partial(Latency, unit='ms', digits=1, higher_is_better=False)

QUALITY = Metric(
    name='quality',
    title='panoptic quality',
    text='How much of an image is right at the chosen score threshold: IoU of what is '
    'found, less for what is missed or invented.',
    places=EVERYWHERE | Place.TILE,
    amount=_quality,
    count=lambda result, _: float(result.truth is not None),
    is_told=lambda result: result.truth is not None,
)
METRICS: tuple[Row, ...] = (
    _precision('box', 'ap', 'box AP', 'As mask AP, of boxes.'),
    _precision('box', 'ap50', 'box AP50', 'As mask AP50, of boxes.'),
    *(_precision('box', part) for part in ('ap75', 'small', 'medium', 'large')),
    _precision(
        'mask',
        'ap',
        'mask AP',
        'How well masks are found and drawn, over all scores: the mean over classes and over '
        'IoU thresholds from 0.50 to 0.95, by the rules of COCO.',
    ),
    _precision(
        'mask', 'ap50', 'mask AP50', 'The same where half an overlap is enough: what is found.'
    ),
    _precision(
        'mask', 'ap75', 'mask AP75', 'The same at an overlap of 0.75: how well it is drawn.'
    ),
    *(_precision('mask', part) for part in ('small', 'medium', 'large')),
    QUALITY,
    *STEADINESS,
    per_minute(
        name='track_interruptions_per_minute',
        title='tracks interrupted',
        text='Objects of the truth that were found, and are not in the next image.',
        places=SHOWN,
        amount=_lost_tracks,
        count=_tracked_seconds,
        is_told=lambda result: bool(result.truth and result.truth.tracks),
    ),
    Identity(
        name='hota',
        title='HOTA',
        text='How well tracks follow the objects of the truth: finding them and keeping their '
        'ids, over overlaps from 0.05 to 0.95.',
        places=COMPARED | Place.OVERVIEW | Place.TILE,
        part='hota',
    ),
    Identity(
        name='det_a',
        title='DetA',
        text='The part of HOTA that knows no ids: what is missed or invented.',
        places=COMPARED,
        part='det_a',
    ),
    Identity(
        name='ass_a',
        title='AssA',
        text='The part of HOTA about ids: how long objects keep theirs.',
        places=COMPARED,
        part='ass_a',
    ),
    Identity(
        name='idf1',
        title='IDF1',
        text='Share of objects and tracks that go together when each object has one id for all '
        'time.',
        places=COMPARED | Place.OVERVIEW,
        part='idf1',
    ),
    Identity(
        name='identity_switches',
        title='identity switches',
        digits=0,
        higher_is_better=False,
        text='How often an object is seen under another id than the last time.',
        places=COMPARED,
        part='identity_switches',
    ),
    Metric(
        name='instances_per_image',
        title='instances per image',
        digits=2,
        higher_is_better=None,
        text='How many are found above the score threshold.',
        places=Place.TABLE | Place.DIFFERENCES,
        amount=lambda result, _: len(result.class_ids),
        count=lambda *_: 1.0,
    ),
    milliseconds(
        name='latency_ms',
        title='latency, median',
        text='From message to detections, on this machine.',
        places=Place.TABLE | Place.TILE,
        quantile='median',
    ),
    milliseconds(
        name='latency_p95_ms',
        title='latency, 95 %',
        text='So long at most in 95 of 100 images.',
        places=Place.TABLE,
        quantile='p95',
    ),
)
