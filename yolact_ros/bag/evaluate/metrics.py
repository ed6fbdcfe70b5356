"""Every figure of a bag in one row: tables, limits, comparisons and reports follow from it.

A new figure is a row of ``METRICS`` and, where no record holds its numbers yet, the code that
measures them in one image.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from yolact_ros.bag.evaluate.metric_kinds import (
    COMPARED,
    EVERYWHERE,
    HIDDEN,
    SHOWN,
    Amount,
    Floats,
    Latency,
    Metric,
    Number,
    Place,
    Precision,
    Row,
)
from yolact_ros.bag.evaluate.records import FrameResult
from yolact_ros.bag.evaluate.stability import Steadiness, nothing_to_compare

SECONDS_PER_MINUTE = 60.0
NO_STEADINESS = nothing_to_compare(0.0)


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


def _steady(pick: Callable[[Steadiness], Number]) -> Amount:
    """Return an amount or count from the comparison of an image with the one before."""
    return lambda result, _: pick(result.steadiness or NO_STEADINESS)


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


per_minute = partial(
    Metric, unit='per minute', digits=1, higher_is_better=False, per=SECONDS_PER_MINUTE
)
milliseconds = partial(Latency, unit='ms', digits=1, higher_is_better=False)

_matched = _steady(lambda one: len(one.overlaps))
_followed = _steady(lambda one: len(one.overlaps) + len(one.lost_classes))
_lost = _steady(lambda one: len(one.lost_classes))
_switched = _steady(lambda one: np.count_nonzero(one.classes_before != one.classes_after))
_seconds = _steady(lambda one: one.seconds)

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
STABILITY = Metric(
    name='stability',
    title='stability',
    text='IoU of a mask with the same one in the image before, once motion is made up for; '
    'what is lost counts 0. 1 is perfectly steady.',
    places=EVERYWHERE | Place.OVERVIEW | Place.TILE,
    amount=_steady(lambda one: one.overlaps),
    count=_followed,
    by_class=True,
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
    STABILITY,
    Metric(
        name='matched_iou',
        title='IoU of those found again',
        text='Stability without what is lost.',
        places=SHOWN,
        amount=_steady(lambda one: one.overlaps),
        count=_matched,
        by_class=True,
    ),
    per_minute(
        name='flicker_per_minute',
        title='flicker',
        text='Instances lost although they are still in sight.',
        places=COMPARED | Place.OVERVIEW | Place.TILE,
        amount=_lost,
        count=_seconds,
        by_class=True,
    ),
    Metric(
        name='lost_share',
        title='share lost',
        higher_is_better=False,
        places=HIDDEN,
        amount=_lost,
        count=_followed,
        by_class=True,
    ),
    per_minute(
        name='class_switches_per_minute',
        title='class switches',
        text='Instances that changed their class.',
        places=COMPARED,
        amount=_switched,
        count=_seconds,
        by_class=True,
    ),
    Metric(
        name='class_switch_share',
        title='share of class switches',
        higher_is_better=False,
        places=HIDDEN,
        amount=_switched,
        count=_matched,
        by_class=True,
    ),
    Metric(
        name='box_jitter_px',
        title='box jitter',
        unit='px',
        digits=2,
        higher_is_better=False,
        text='How far the sides of boxes jump, beyond motion.',
        places=COMPARED | Place.OVERVIEW,
        amount=_steady(lambda one: one.jitters[~np.isnan(one.jitters)]),
        count=_steady(lambda one: np.count_nonzero(~np.isnan(one.jitters))),
        by_class=True,
    ),
    per_minute(
        name='track_interruptions_per_minute',
        title='tracks interrupted',
        text='Objects of the truth that were found, and are not in the next image.',
        places=SHOWN,
        amount=_lost_tracks,
        count=_tracked_seconds,
        is_told=lambda result: bool(result.truth and result.truth.tracks),
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
