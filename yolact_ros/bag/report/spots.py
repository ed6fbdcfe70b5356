"""Dots on curves that lead to the pictures of their images."""

from __future__ import annotations

from collections.abc import Sequence

from yolact_ros.bag.evaluate.records import FrameRecord
from yolact_ros.bag.report.chart import Spot
from yolact_ros.bag.report.charts import SpotsOf
from yolact_ros.bag.report.pictures import Card
from yolact_ros.bag.report.series import Measure, mean_of, seconds_of


def lead_to(cards: Sequence[Card], frames: Sequence[FrameRecord]) -> SpotsOf:
    """Return what makes dots for a course, in the order of time.

    Args:
        cards: What dots lead to.
        frames: In the order of recording, at least one.
    """
    times = dict(zip(map(id, frames), seconds_of(frames).tolist(), strict=True))
    ordered = sorted(cards, key=lambda card: times[id(card.pick.record)])

    def spots_of(name: str, measures: Sequence[Measure]) -> tuple[Spot, ...]:
        offset = len(frames[0].results) - len(measures)  # the first has nothing to agree with
        spots = []
        for card in ordered:
            record = card.pick.record
            values = [mean_of(measure, record) for measure in measures]
            known = [(value, place) for place, value in enumerate(values) if value is not None]
            if known:
                value, place = min(known)
                note = f'image {record.index} of {record.topic}, {name} {value:.3f}: see pictures'
                spots.append(Spot(place + offset, times[id(record)], value, card.id, note))
        return tuple(spots)

    return spots_of
