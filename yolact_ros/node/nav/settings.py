"""Parameters of what costmaps are shown."""

from __future__ import annotations

from dataclasses import dataclass

from yolact_ros.messages.nav.view import NavOptions
from yolact_ros.node.parameters import parameter


@dataclass(frozen=True)
class NavSettings(NavOptions):
    """What costmaps are shown."""

    width: int = parameter(
        400,
        'Columns of ~/nav/... and ~/removed/points, whose aspect is that of the image.',
        (1, 10000),
    )
    classes: tuple[str, ...] = parameter((), 'Names of the classes in ~/nav/... Empty: all.')
    background: int = parameter(
        0, 'Number of the background in ~/nav/class_mask, which no class has.', (0, 255)
    )
