"""Parameters of removal."""

from __future__ import annotations

from dataclasses import dataclass

from yolact_ros.node.parameters import parameter


@dataclass(frozen=True)
class RemovalSettings:
    """Which objects are taken out of depth, and how much around them."""

    classes: tuple[str, ...] = parameter(
        ('person',), 'Names of the classes that are taken out of ~/removed/...'
    )
    margin: int = parameter(8, 'Take out so many pixels around each mask, too.', (0, 1000))
    speed: float = parameter(
        1.0,
        'And so many lengths of its longer side for each second that the mask is older or newer '
        'than the depth.',
        (0.0, 10.0),
    )
    max_age: float = parameter(
        1.0,
        'Withhold depth where no mask is within so many seconds of it.',
        (0.05, 10.0),
    )
