"""The bootstrap over images: how sure a figure is (Efron and Tibshirani 1993).

Images are drawn with replacement, as many as there are, and the figure is computed anew. Where
neighbouring images resemble each other, as in a video, they are drawn in blocks (Kuensch 1989):
else the intervals would be too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LOW, HIGH = 0.025, 0.975

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """The interval that holds 95 % of the resampled figures.

    Args:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


def draw_weights(images: int, resamples: int, block: int = 1, seed: int = 0) -> Iterator[Floats]:
    """Iterate over how often each image is drawn, in blocks that go on at the start.

    Args:
        images: Number of images, at least 1.
        resamples: How often they are drawn.
        block: How many successive images are drawn together.
        seed: Seed of the random numbers.
    """
    random = np.random.default_rng(seed)
    block = min(block, images)
    for _ in range(resamples):
        starts = random.integers(images, size=-(-images // block))
        drawn = (starts[:, None] + np.arange(block)).ravel()[:images] % images
        yield np.bincount(drawn, minlength=images).astype(np.float64)


def interval_of(drawn: npt.ArrayLike) -> Interval | None:
    """Return the interval of a figure, None if it is defined in no resample.

    Args:
        drawn: The figure in each resample, NaN where it is not defined.
    """
    values = np.asarray(drawn, np.float64)
    values = values[~np.isnan(values)]
    if not values.size:
        return None
    low, high = np.quantile(values, (LOW, HIGH)).tolist()
    return Interval(low, high)
