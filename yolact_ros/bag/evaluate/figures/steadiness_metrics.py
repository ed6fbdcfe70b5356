"""Figures of how steady instances are from image to image, each in one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from yolact_ros.bag.evaluate.figures.metric_kinds import (
    COMPARED,
    EVERYWHERE,
    HIDDEN,
    SHOWN,
    Amount,
    Metric,
    Number,
    Place,
    per_minute,
)
from yolact_ros.bag.evaluate.records import FrameResult
from yolact_ros.bag.evaluate.stability import Steadiness, nothing_to_compare

NO_STEADINESS = nothing_to_compare(0.0)


def _steady(pick: Callable[[Steadiness], Number]) -> Amount:
    """Return an amount or count from the comparison of an image with the one before."""
    return lambda result, _: pick(result.steadiness or NO_STEADINESS)


def _of_tracks(row: Metric) -> Metric:
    """Return the same figure of instances that have a track, of the class that it voted for."""

    def turn(amount: Amount) -> Amount:
        return lambda result, before: amount(_keep_tracks(result), before)

    return replace(
        row,
        name=f'tracked_{row.name}',
        title=f'{row.title} of tracks',
        text='The same of instances that have a track, under the class that it voted for.',
        places=COMPARED,
        amount=turn(row.amount),
        count=turn(row.count),
        by_class=False,
        is_told=lambda result: result.tracked_steadiness is not None,
    )


def _keep_tracks(result: FrameResult) -> FrameResult:
    return replace(result, steadiness=result.tracked_steadiness)


_matched = _steady(lambda one: len(one.overlaps))
_followed = _steady(lambda one: len(one.overlaps) + len(one.lost_classes))
_lost = _steady(lambda one: len(one.lost_classes))
_switched = _steady(lambda one: np.count_nonzero(one.classes_before != one.classes_after))
_seconds = _steady(lambda one: one.seconds)

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
FLICKER = per_minute(
    name='flicker_per_minute',
    title='flicker',
    text='Instances lost although they are still in sight.',
    places=COMPARED | Place.OVERVIEW | Place.TILE,
    amount=_lost,
    count=_seconds,
    by_class=True,
)
CLASS_SWITCHES = per_minute(
    name='class_switches_per_minute',
    title='class switches',
    text='Instances that changed their class.',
    places=COMPARED,
    amount=_switched,
    count=_seconds,
    by_class=True,
)

STEADINESS = (
    STABILITY,
    _of_tracks(STABILITY),
    Metric(
        name='matched_iou',
        title='IoU of those found again',
        text='Stability without what is lost.',
        places=SHOWN,
        amount=_steady(lambda one: one.overlaps),
        count=_matched,
        by_class=True,
    ),
    FLICKER,
    _of_tracks(FLICKER),
    Metric(
        name='lost_share',
        title='share lost',
        higher_is_better=False,
        places=HIDDEN,
        amount=_lost,
        count=_followed,
        by_class=True,
    ),
    CLASS_SWITCHES,
    _of_tracks(CLASS_SWITCHES),
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
)
