"""Settings of lifting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yolact_core.records import check_fields


@dataclass(frozen=True)
class LiftingOptions:
    """How masks and depth become objects.

    Args:
        max_erosion: Pixels at most that the rims of masks lose, where depth is mixed with what is
            behind; small masks lose less.
        min_valid_share: Share of a mask in (0, 1] at which the depth must be known.
        max_points: Points of an object at most, of which its figures are computed.
        box: ``auto``: upright where it is known where up is, else along the camera's axes;
            ``pca``: along the principal axes of the points.

    Raises:
        InputError: A value is out of its range.
    """

    max_erosion: int = 3
    min_valid_share: float = 0.1
    max_points: int = 2000
    box: Literal['auto', 'pca'] = 'auto'

    def __post_init__(self) -> None:
        check_fields(
            self,
            {
                'max_erosion must be 0 or more': self.max_erosion >= 0,
                'min_valid_share must be in (0, 1]': 0 < self.min_valid_share <= 1,
                'max_points must be at least 100': self.max_points >= 100,
                'box must be auto or pca': self.box in ('auto', 'pca'),
            },
        )
