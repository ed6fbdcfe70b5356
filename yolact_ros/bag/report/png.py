"""Charts as PNG files, drawn twice as large and made smaller, which smooths the lines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from yolact_core.palette import Color
from yolact_core.visualization.tags import choose_font
from yolact_ros.bag.report.chart import OTHER_SERIES, USUAL_HEIGHT, Band, Bar, Chart, Curve, Spot

WIDTH, PLOT_HEIGHT = 1200, 420  # pixels
TOP, RIGHT, BOTTOM, LEAST_LEFT = 96, 40, 84, 80
FINER = 2
TEXT, TITLE = 20, 26  # pixels
WHITE: Color = (255, 255, 255)
INK: Color = (31, 41, 55)
FAINT: Color = (226, 232, 240)
GREY: Color = (100, 116, 139)
COLORS: tuple[Color, ...] = (
    (37, 99, 235),
    (194, 65, 12),
    (4, 120, 87),
    (124, 58, 237),
    (190, 24, 93),
    (77, 124, 15),
)


def to_picture(chart: Chart) -> npt.NDArray[np.uint8]:
    """Draw a chart.

    Returns:
        RGB, shape (H, 1200, 3).
    """
    return _Canvas(chart).finish()


class _Canvas:
    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        longest = max((_width(tick.text) for tick in chart.y.ticks), default=0)
        self._left = max(LEAST_LEFT, longest + 30)
        self._plot = WIDTH - RIGHT - self._left
        self._rows = max(PLOT_HEIGHT, chart.height) if chart.height > USUAL_HEIGHT else PLOT_HEIGHT
        size = (WIDTH * FINER, (TOP + self._rows + BOTTOM) * FINER)
        self._image = Image.new('RGB', size, WHITE)
        self._draw = ImageDraw.Draw(self._image, 'RGBA')

    def finish(self) -> npt.NDArray[np.uint8]:
        self._axes()
        for mark in self._chart.marks:
            color = _color(mark.series)
            if isinstance(mark, Band):
                self._band(mark, color)
            elif isinstance(mark, Curve):
                self._curve(mark, color)
            elif isinstance(mark, Bar):
                corners = self._at(mark.left, mark.top), self._at(mark.right, mark.bottom)
                self._draw.rectangle((*corners[0], *corners[1]), fill=color)
            else:
                self._spot(mark, color)
        self._legend()
        smaller = self._image.resize(
            (WIDTH, self._image.height // FINER), Image.Resampling.LANCZOS
        )
        return np.asarray(smaller, dtype=np.uint8)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a place of the plot is in the image."""
        return (
            FINER * (self._left + x * self._plot),
            FINER * (TOP + (1 - y) * self._rows),
        )

    def _write(self, at: tuple[float, float], text: str, anchor: str, color: Color = INK) -> None:
        font, text = choose_font(text, TEXT * FINER)
        self._draw.text(at, text, fill=color, font=font, anchor=anchor)

    def _axes(self) -> None:
        chart = self._chart
        for tick in chart.y.ticks:
            x, y = self._at(0, tick.place)
            if chart.y.has_grid:
                self._draw.line(((x, y), self._at(1, tick.place)), fill=FAINT, width=FINER)
            self._write((x - 10 * FINER, y), tick.text, 'rm')
        for tick in chart.x.ticks:
            x, y = self._at(tick.place, 0)
            if chart.x.has_grid:
                self._draw.line(((x, y), self._at(tick.place, 1)), fill=FAINT, width=FINER)
            self._write((x, y + 8 * FINER), tick.text, 'mt')
        self._draw.line((self._at(0, 0), self._at(1, 0)), fill=GREY, width=FINER)
        right, bottom = self._at(1, 0)
        self._write((right, bottom + 44 * FINER), chart.x.title, 'rt', GREY)
        left, top = self._at(0, 1)
        self._write((left, top - 12 * FINER), chart.y.title, 'lb', GREY)

    def _band(self, band: Band, color: Color) -> None:
        there = [self._at(x, high) for x, _, high in band.points]
        back = [self._at(x, low) for x, low, _ in reversed(band.points)]
        if len(there) > 1:
            self._draw.polygon([*there, *back], fill=(*color, 50))

    def _curve(self, curve: Curve, color: Color) -> None:
        points = [self._at(x, y) for x, y in curve.points]
        if len(points) > 1:
            self._draw.line(points, fill=color, width=3 * FINER, joint='curve')
        else:
            self._dot(points[0], 2, color)

    def _spot(self, spot: Spot, color: Color) -> None:
        center = self._at(spot.x, spot.y)
        self._dot(center, 7, WHITE)
        self._dot(center, 5, color)

    def _dot(self, center: tuple[float, float], radius: int, color: Color) -> None:
        x, y = center
        r = radius * FINER
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=color)

    def _legend(self) -> None:
        font, title = choose_font(self._chart.title, TITLE * FINER)
        self._draw.text((24 * FINER, 16 * FINER), title, fill=INK, font=font)
        x = float(WIDTH - RIGHT) * FINER
        for series, name in reversed(self._chart.legend):
            x -= _width(name) * FINER
            self._write((x, 32 * FINER), name, 'lm')
            x -= 26 * FINER
            box = (x, 24 * FINER, x + 18 * FINER, 40 * FINER)
            self._draw.rectangle(box, fill=_color(series))
            x -= 24 * FINER


def _color(series: int) -> Color:
    return GREY if series == OTHER_SERIES else COLORS[series % len(COLORS)]


def _width(text: str) -> int:
    font, text = choose_font(text, TEXT)
    return round(font.getlength(text))
