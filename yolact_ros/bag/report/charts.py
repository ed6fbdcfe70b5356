"""The charts of a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_ros.bag.evaluate.figures.metric_kinds import Floats, Metric, Place
from yolact_ros.bag.evaluate.figures.metrics import rows
from yolact_ros.bag.evaluate.figures.summary import BagFigures
from yolact_ros.bag.evaluate.records import FrameResult
from yolact_ros.bag.report.chart_content import Chart, Spot, Words
from yolact_ros.bag.report.chart_kinds import (
    plot_classes,
    plot_course,
    plot_distribution,
    round_up,
)
from yolact_ros.bag.report.image_series import Recording, ratios
from yolact_ros.bag.report.pictures import Card

SCORE_EDGES = np.linspace(0.0, 1.0, 21)
SIZE_EDGES = np.array([0, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024], dtype=float)
LATENCY_BINS = 25
LATENCY_SHARE = 0.99  # what is slower counts in the last bar


@dataclass(frozen=True)
class Charts:
    """Charts, by what they tell about.

    Args:
        classes: Precision of each class.
        course: Figures over time.
        distributions: How many instances have which score and size.
        latency: How long images took.
    """

    classes: list[Chart]
    course: list[Chart]
    distributions: list[Chart]
    latency: list[Chart]

    @property
    def whole(self) -> list[Chart]:
        """Charts that show all classes."""
        every = (*self.classes, *self.course, *self.distributions, *self.latency)
        return [chart for chart in every if chart.words.class_id is None]


class ChartMaker:
    """Makes charts of a recording.

    Args:
        recording: Images and results.
        figures: Figures of each contender.
        class_names: Classes that take part.
        cards: Pictures that dots lead to.
    """

    def __init__(
        self,
        recording: Recording,
        figures: Sequence[BagFigures],
        class_names: Sequence[str],
        cards: Sequence[Card],
    ) -> None:
        self._recording = recording
        self._figures = figures
        self._names = tuple(one.name for one in figures)
        self._class_names = class_names
        self._cards = cards

    def make(self) -> Charts:
        """Make all charts, those of single classes after those of all."""
        scopes = [None, *self._recording.class_ids]
        course = self._agreement()
        for metric in rows(Place.COURSE):
            if isinstance(metric, Metric) and metric.is_known(self._recording.results(0)):
                for class_id in scopes if metric.by_class else (None,):
                    course.append(self._course(metric, class_id, leads=not course))
        return Charts(
            classes=self._precision(),
            course=[*course, *(self._instances(one) for one in scopes)],
            distributions=[
                *(self._scores(one) for one in scopes),
                *(self._sizes(one) for one in scopes),
            ],
            latency=self._latency(),
        )

    def _precision(self) -> list[Chart]:
        precisions = [one.mask.by_class for one in self._figures if one.mask is not None]
        shown = [
            (index, name)
            for index, name in enumerate(self._class_names)
            if any(one[name] is not None for one in precisions)
        ]
        values = [
            [None if (value := one[name]) is None else value / 100 for _, name in shown]
            for one in precisions
        ]
        words = self._words(
            'class_ap', 'Mask AP of each class', 'Longer is better.', ('mask AP', 'class')
        )
        return [plot_classes(words, shown, values)] if shown else []

    def _agreement(self) -> list[Chart]:
        if len(self._recording.contenders) == 1:
            return []
        sums = [self._recording.agreement(one) for one in self._recording.contenders]
        words = self._words(
            'agreement',
            'Agreement with the first',
            'Panoptic quality of one result against the other; low is where they differ.',
            ('time, s', 'agreement'),
        )
        courses = [self._recording.follow(one) for one in (np.zeros_like(sums[0]), *sums[1:])]
        spots = self._spots('agreement', sums[1:])
        return [plot_course(words, courses, spots=spots, least_end=1.0)]

    def _course(self, metric: Metric, class_id: int | None, *, leads: bool) -> Chart:
        sums = [self._recording.sums(metric, one, class_id) for one in self._recording.contenders]
        title = f'{metric.title[0].upper()}{metric.title[1:]}'
        return plot_course(
            self._words(metric.name, title, metric.text, ('time, s', metric.heading), class_id),
            [self._recording.follow(one) for one in sums],
            spots=self._spots(metric.title, sums) if leads else (),
            least_end=0.0 if metric.unit else 1.0,
            digits=metric.digits,
        )

    def _instances(self, class_id: int | None) -> Chart:
        recording = self._recording
        words = self._words(
            'instances',
            'Instances in each image',
            'How many are found above the score threshold.',
            ('time, s', 'instances'),
            class_id,
        )
        courses = [
            recording.follow(recording.instances(one, class_id)) for one in recording.contenders
        ]
        there = ('truth', recording.follow(recording.objects(class_id)))
        other = there if recording.has_truth else None
        return plot_course(words, courses, other=other, digits=1, is_whole=True)

    def _scores(self, class_id: int | None) -> Chart:
        words = self._words(
            'scores',
            'Scores',
            'Of what was found; far right is sure.',
            ('score', 'instances'),
            class_id,
        )
        texts = [f'{edge:.2f}' for edge in SCORE_EDGES]
        values = self._gather(lambda result: result.scores, class_id)
        return plot_distribution(words, values, SCORE_EDGES, texts)

    def _sizes(self, class_id: int | None) -> Chart:
        words = self._words(
            'sizes',
            'Sizes of objects',
            'Of what was found: the side of a square as large as the mask.',
            ('side, px', 'instances'),
            class_id,
        )
        texts = [f'{edge:.0f}' for edge in SIZE_EDGES]
        values = [np.sqrt(one) for one in self._gather(lambda result: result.areas, class_id)]
        return plot_distribution(words, values, SIZE_EDGES, texts)

    def _latency(self) -> list[Chart]:
        recording = self._recording
        values = [recording.latencies(one) for one in recording.contenders]
        timed = [one for one in values if len(one)]
        if not timed:
            return []
        slow = max(float(np.quantile(one, LATENCY_SHARE)) for one in timed)
        edges = np.linspace(0.0, round_up(slow), LATENCY_BINS + 1)
        texts = [f'{edge:.{0 if edges[-1] >= 4 * LATENCY_BINS else 1}f}' for edge in edges]
        distribution = self._words(
            'latency',
            'Latency',
            'From message to detections; the last bar holds all that is slower.',
            ('latency, ms', 'images'),
        )
        course = self._words(
            'latency_course',
            'Latency over time',
            'A peak is a slow image; the first few warm up.',
            ('time, s', 'latency, ms'),
        )
        courses = [recording.follow(recording.latency(one)) for one in recording.contenders]
        return [
            plot_distribution(distribution, values, edges, texts),
            plot_course(course, courses, digits=1),
        ]

    def _gather(
        self, pick: Callable[[FrameResult], npt.NDArray[np.generic]], class_id: int | None
    ) -> list[Floats]:
        recording = self._recording
        return [recording.gather(pick, one, class_id) for one in recording.contenders]

    def _spots(self, title: str, sums: Sequence[Floats]) -> tuple[Spot, ...]:
        """Return a dot for each card, in the order of time, on the lowest curve.

        Args:
            title: What the curves show.
            sums: Sums of images, of the last contenders.
        """
        first = len(self._names) - len(sums)
        values = [ratios(one) for one in sums]
        cards = {card.key: card for card in self._cards}
        spots = []
        for place, frame in enumerate(self._recording.frames):
            card = cards.get(frame.key)
            known = [
                (float(one[place]), series)
                for series, one in enumerate(values, start=first)
                if not np.isnan(one[place])
            ]
            if card and known:
                value, series = min(known)
                note = f'image {frame.index} of {frame.topic}, {title} {value:.3f}: see pictures'
                seconds = float(self._recording.seconds[place])
                spots.append(Spot(series, seconds, value, card.id, note))
        return tuple(spots)

    def _words(
        self,
        name: str,
        title: str,
        caption: str,
        sides: tuple[str, str],
        class_id: int | None = None,
    ) -> Words:
        if class_id is not None:
            title = f'{title}: {self._class_names[class_id]}'
        return Words(name, title, caption, *sides, self._names, class_id)
