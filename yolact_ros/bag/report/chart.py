"""What a chart shows, whether it becomes SVG or PNG. Places are fractions of the plot.

(0, 0) is the lower left corner of the plot and (1, 1) the upper right one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

OTHER_SERIES = -1  # what belongs to no contender, such as the truth
STEPS = (1, 2, 2.5, 5, 10)
BAR_ROW = 24  # pixels that a row of horizontal bars is high
USUAL_HEIGHT = 180  # pixels


@dataclass(frozen=True)
class Tick:
    """A number or name beside an axis."""

    place: float
    text: str


@dataclass(frozen=True)
class Axis:
    """One side of a plot.

    Args:
        title: What it shows, with the unit.
        ticks: From low to high.
        has_grid: Whether lines go from the ticks through the plot.
    """

    title: str
    ticks: tuple[Tick, ...]
    has_grid: bool = False


@dataclass(frozen=True)
class Curve:
    """A line.

    Args:
        series: Number of the contender, or ``OTHER_SERIES``.
        points: x and y.
    """

    series: int
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Band:
    """The range that values have, around a line.

    Args:
        series: Number of the contender.
        points: x, lowest and highest y.
    """

    series: int
    points: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Bar:
    """A rectangle.

    Args:
        series: Number of the contender.
        left: And so on: its sides.
        note: What it says in words.
        class_id: That it is of, if it is of one.
    """

    series: int
    left: float
    bottom: float
    right: float
    top: float
    note: str
    class_id: int | None = None


@dataclass(frozen=True)
class Spot:
    """A dot that leads to a picture.

    Args:
        series: Number of the contender.
        x: Its place.
        y: Its place.
        target: Id in the page.
        note: What it says in words.
    """

    series: int
    x: float
    y: float
    target: str
    note: str


Mark = Curve | Band | Bar | Spot


@dataclass(frozen=True)
class NumberTable:
    """The numbers of a chart, for who cannot see it.

    Args:
        head: Titles of the columns.
        rows: Texts.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A chart.

    Args:
        name: Of its file, and in ids.
        title: In a few words.
        caption: What it tells, in a sentence.
        x: Lower side.
        y: Left side.
        marks: In the order of drawing.
        legend: Series and name of each thing shown.
        numbers: The same as a table.
        height: Of the plot in pixels.
        class_id: Of the only class that it shows; None is all.
    """

    name: str
    title: str
    caption: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    legend: tuple[tuple[int, str], ...]
    numbers: NumberTable
    height: int = USUAL_HEIGHT
    class_id: int | None = None


@dataclass(frozen=True)
class Scale:
    """Turns values into fractions of an axis.

    Args:
        low: Value at its start.
        high: Value at its end, above ``low``.
    """

    low: float
    high: float

    def place(self, value: float) -> float:
        """Return where a value is, inside the axis."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def axis(
        self, title: str, *, has_grid: bool = False, most: int = 5, is_whole: bool = False
    ) -> Axis:
        """Return an axis with round numbers, at most so many beside its start.

        Args:
            title: What it shows, with the unit.
            has_grid: Whether lines go through the plot.
            most: Numbers.
            is_whole: Whether they are whole numbers.
        """
        step = _round_step((self.high - self.low) / most)
        if is_whole:
            step = max(math.ceil(step), 1.0)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        digits = max(0, -math.floor(math.log10(step) + 1e-9)) + (_mantissa(step) == 2.5)
        ticks = [
            Tick(self.place(number * step), f'{number * step:.{digits}f}')
            for number in range(first, last + 1)
        ]
        return Axis(title, tuple(ticks), has_grid)


def scale_to(highest: float) -> Scale:
    """Return a scale from 0 to a round number that is not below the highest value."""
    if highest <= 0:
        return Scale(0.0, 1.0)
    step = _round_step(highest / 5)
    return Scale(0.0, step * math.ceil(highest / step - 1e-9))


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in STEPS if step * power >= rough * (1 - 1e-9))


def _mantissa(step: float) -> float:
    return round(step / 10.0 ** math.floor(math.log10(step) + 1e-9), 3)
