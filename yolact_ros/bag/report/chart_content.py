"""What a chart shows, in the units of its axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yolact_ros.bag.report.image_series import Course

OTHER_SERIES = -1  # what belongs to no contender, such as the truth


@dataclass(frozen=True)
class Axis:
    """One side of a chart, which begins at 0.

    Args:
        end: Value at its end.
        ticks: Places and their names; empty for round numbers.
        is_whole: Whether the round numbers are whole.
        has_grid: Whether lines go from the ticks through the chart.
    """

    end: float
    ticks: tuple[tuple[float, str], ...] = ()
    is_whole: bool = False
    has_grid: bool = False


@dataclass(frozen=True)
class Bar:
    """A rectangle.

    Args:
        series: Number of the contender.
        corner: x and y of its lower left corner.
        size: Width and height.
        note: What it says in words.
        class_id: Class that it is of, if it is of one.
    """

    series: int
    corner: tuple[float, float]
    size: tuple[float, float]
    note: str
    class_id: int | None = None


@dataclass(frozen=True)
class Spot:
    """A dot that leads to a picture.

    Args:
        series: Number of the contender.
        x: Seconds.
        y: Value.
        target: Id in the page.
        note: What it says in words.
    """

    series: int
    x: float
    y: float
    target: str
    note: str


@dataclass(frozen=True)
class Words:
    """What is written on a chart.

    Args:
        name: Name of its file and in ids.
        title: What it shows, in a few words.
        caption: What it tells, in a sentence.
        x: Title of the lower side, with the unit.
        y: Title of the left side, with the unit.
        names: Names of the contenders.
        class_id: The only class that is shown; None is all.
    """

    name: str
    title: str
    caption: str
    x: str
    y: str
    names: tuple[str, ...]
    class_id: int | None = None


@dataclass(frozen=True)
class Chart:
    """A chart.

    Args:
        words: What is written on it.
        x: Lower side.
        y: Left side.
        rows: Numbers of the chart as a table, for those who cannot see it.
        head: Titles of that table.
        curves: Lines over time by series, in the order of drawing.
        bars: Rectangles.
        spots: Dots.
        other: Name of ``OTHER_SERIES``; empty if it is not shown.
        stacked: Number of rows of bars that lie above each other; 0 if there are none.
    """

    words: Words
    x: Axis
    y: Axis
    rows: tuple[tuple[str, ...], ...]
    head: tuple[str, ...]
    curves: Mapping[int, Course] = field(default_factory=dict)
    bars: tuple[Bar, ...] = ()
    spots: tuple[Spot, ...] = ()
    other: str = ''
    stacked: int = 0

    @property
    def legend(self) -> list[tuple[int, str]]:
        """Series and name of each thing shown."""
        marks: tuple[Bar | Spot, ...] = (*self.bars, *self.spots)
        shown = {*self.curves, *(one.series for one in marks)}
        names = [(OTHER_SERIES, self.other), *enumerate(self.words.names)]
        return [(series, name) for series, name in names if series in shown]
