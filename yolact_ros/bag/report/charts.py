"""The charts of a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from yolact_ros.bag.evaluate.figures import BagFigures
from yolact_ros.bag.evaluate.records import FrameRecord
from yolact_ros.bag.report import series
from yolact_ros.bag.report.chart import Chart, Spot, scale_to
from yolact_ros.bag.report.plots import (
    Extras,
    Words,
    plot_classes,
    plot_course,
    plot_distribution,
)
from yolact_ros.bag.report.series import Course, Measure, follow

SCORE_EDGES = np.linspace(0.0, 1.0, 21)
SIZE_EDGES = np.array([0, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024], dtype=float)
LATENCY_BINS = 25
LATENCY_SHARE = 0.99  # what is slower counts in the last bar
TEXTS = {  # title, caption, lower side, left side
    'class_ap': (
        'Mask AP of each class',
        'Longer is better.',
        'mask AP',
        'class',
    ),
    'agreement': (
        'Agreement with the first',
        'Panoptic quality of one result against the other; low is where they differ.',
        'time, s',
        'agreement',
    ),
    'quality': (
        'Panoptic quality',
        'How much of each image is right.',
        'time, s',
        'quality',
    ),
    'stability': (
        'Stability',
        'IoU with the image before, once motion is made up for.',
        'time, s',
        'stability',
    ),
    'instances': (
        'Instances in each image',
        'How many are found above the score threshold.',
        'time, s',
        'instances',
    ),
    'scores': (
        'Scores',
        'Of what was found; far right is sure.',
        'score',
        'instances',
    ),
    'sizes': (
        'Sizes of objects',
        'Of what was found: the side of a square as large as the mask.',
        'side, px',
        'instances',
    ),
    'latency': (
        'Latency',
        'From message to detections; the last bar holds all that is slower.',
        'latency, ms',
        'images',
    ),
    'latency_course': (
        'Latency over time',
        'A peak is a slow image; the first few warm up.',
        'time, s',
        'latency, ms',
    ),
}

SpotsOf = Callable[[str, Sequence[Measure]], tuple[Spot, ...]]


@dataclass(frozen=True)
class Charts:
    """Charts, by what they tell about.

    Args:
        classes: Precision of each class.
        courses: Over time.
        distributions: How many instances have which score and size.
        latency: How long images took.
    """

    classes: tuple[Chart, ...]
    courses: tuple[Chart, ...]
    distributions: tuple[Chart, ...]
    latency: tuple[Chart, ...]

    @property
    def whole(self) -> list[Chart]:
        """Those that show all classes."""
        every = (*self.classes, *self.courses, *self.distributions, *self.latency)
        return [chart for chart in every if chart.class_id is None]


class ChartMaker:
    """Makes charts from records.

    Args:
        frames: In the order of recording, at least one.
        figures: Of each contender.
        class_names: That take part.
        spots_of: Gives dots that lead to pictures, for the name and measures of a course.
    """

    def __init__(
        self,
        frames: Sequence[FrameRecord],
        figures: Sequence[BagFigures],
        class_names: Sequence[str],
        spots_of: SpotsOf,
    ) -> None:
        self._frames = frames
        self._figures = figures
        self._names = tuple(one.name for one in figures)
        self._class_names = class_names
        self._spots_of = spots_of

    def make(self) -> Charts:
        """Make all charts, those of single classes after those of all."""
        scopes = [None, *series.list_classes(self._frames)]
        leading = [*self._agreement(), *self._quality()]
        return Charts(
            classes=self._classes(),
            courses=(
                *leading,
                *(self._stability(one, leads=one is None and not leading) for one in scopes),
                *(self._instances(one) for one in scopes),
            ),
            distributions=(
                *(self._scores(one) for one in scopes),
                *(self._sizes(one) for one in scopes),
            ),
            latency=self._latency(),
        )

    def _classes(self) -> tuple[Chart, ...]:
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
        return (plot_classes(self._words('class_ap'), shown, values),) if shown else ()

    def _agreement(self) -> list[Chart]:
        measures = [series.agreement(index) for index in range(1, len(self._names))]
        if not measures:
            return []
        spots = self._spots_of('agreement', measures)
        none = series.nothing_at(self._frames)
        courses = [none, *self._follow(measures)]
        return [plot_course(self._words('agreement'), courses, Extras(spots=spots, highest=1.0))]

    def _quality(self) -> list[Chart]:
        if self._figures[0].values['quality'] is None:
            return []
        measures = [series.quality(index) for index in self._each()]
        spots = self._spots_of('quality', measures) if len(measures) == 1 else ()
        extras = Extras(spots=spots, highest=1.0)
        return [plot_course(self._words('quality'), self._follow(measures), extras)]

    def _stability(self, class_id: int | None, *, leads: bool) -> Chart:
        measures = [series.stability(index, class_id) for index in self._each()]
        spots = self._spots_of('stability', measures) if leads else ()
        extras = Extras(spots=spots, highest=1.0)
        return plot_course(self._words('stability', class_id), self._follow(measures), extras)

    def _instances(self, class_id: int | None) -> Chart:
        there = None
        if self._figures[0].objects is not None:
            there = ('truth', follow(self._frames, series.objects(class_id)))
        courses = self._follow([series.instances(index, class_id) for index in self._each()])
        extras = Extras(other=there, digits=1, is_whole=True)
        return plot_course(self._words('instances', class_id), courses, extras)

    def _scores(self, class_id: int | None) -> Chart:
        values = [series.all_scores(self._frames, index, class_id) for index in self._each()]
        texts = [f'{edge:.2f}' for edge in SCORE_EDGES]
        return plot_distribution(self._words('scores', class_id), values, SCORE_EDGES, texts)

    def _sizes(self, class_id: int | None) -> Chart:
        values = [series.all_sizes(self._frames, index, class_id) for index in self._each()]
        texts = [f'{edge:.0f}' for edge in SIZE_EDGES]
        return plot_distribution(self._words('sizes', class_id), values, SIZE_EDGES, texts)

    def _latency(self) -> tuple[Chart, ...]:
        values = [series.all_latencies_ms(self._frames, index) for index in self._each()]
        timed = [one for one in values if len(one)]
        if not timed:
            return ()
        slow = max(float(np.quantile(one, LATENCY_SHARE)) for one in timed)
        edges = np.linspace(0.0, scale_to(slow).high, LATENCY_BINS + 1)
        texts = [f'{edge:.{0 if edges[-1] >= 4 * LATENCY_BINS else 1}f}' for edge in edges]
        courses = self._follow([series.latency_ms(index) for index in self._each()])
        return (
            plot_distribution(self._words('latency'), values, edges, texts),
            plot_course(self._words('latency_course'), courses, Extras(digits=1)),
        )

    def _each(self) -> range:
        return range(len(self._names))

    def _follow(self, measures: Sequence[Measure]) -> list[Course]:
        return [follow(self._frames, measure) for measure in measures]

    def _words(self, name: str, class_id: int | None = None) -> Words:
        title, caption, *sides = TEXTS[name]
        if class_id is not None:
            title = f'{title}: {self._class_names[class_id]}'
        return Words(name, title, caption, sides[0], sides[1], self._names, class_id)
