"""Motion in rooms: things that go round in rings, and a camera that turns fast."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.rooms.layout import Placement

PAN_SPEED = (60.0, 120.0)  # degrees/s
PAN_REACH = (25.0, 75.0)  # degrees to either side
PAN_STOP = (0.3, 1.0)  # s
PAN_EASE = np.linspace(-0.1, 0.1, 9)  # s, over which a turn begins and ends


@dataclass(frozen=True)
class Ring:
    """An ellipse on the floor that things go round on.

    Attributes:
        middle: Middle in the room, in metres, shape (2,).
        reach: Half the width and depth in metres.
        period: Time of one round in seconds; negative for clockwise.
        stops: Times that everything on it stands still in each round.
    """

    middle: tuple[float, float]
    reach: tuple[float, float]
    period: float
    stops: int = 0

    def place(self, placement: Placement, share: float, time: float) -> Placement:
        """Return a placement as it goes along the ring, facing forward.

        Args:
            placement: What goes; its height is kept.
            share: Share of the round that it is ahead of others.
            time: Time in seconds.
        """
        turn = 2 * np.pi * time / self.period
        if self.stops:
            turn -= np.sin(turn * self.stops) / self.stops
        angle = turn + 2 * np.pi * share
        x, y = np.array(self.middle) + np.array(self.reach) * (np.cos(angle), np.sin(angle))
        right, forth = np.array(self.reach) * (-np.sin(angle), np.cos(angle)) * self.period
        position = np.array([x, y, placement.position[2]])
        return replace(placement, position=position, yaw=float(np.arctan2(right, -forth)))


def pan(times: NDArray[np.float64], random: Generator) -> NDArray[np.float64]:
    """Return the yaw of a camera that turns back and forth and stops between, in radians.

    Args:
        times: Times in seconds, from 0 on, shape (N,).
        random: Source of randomness.
    """
    moments, yaws, side = [0.0], [0.0], 1
    while moments[-1] < times[-1]:
        side = -side
        yaw = side * random.uniform(*PAN_REACH)
        arrival = moments[-1] + abs(yaw - yaws[-1]) / random.uniform(*PAN_SPEED)
        moments += [arrival, arrival + random.uniform(*PAN_STOP)]
        yaws += [yaw, yaw]
    eased = [np.interp(times + shift, moments, yaws) for shift in PAN_EASE]
    return np.asarray(np.radians(np.mean(eased, axis=0)))
