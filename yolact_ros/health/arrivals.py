"""How fast images arrive, and how many of them get lost on the way."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median_low

import numpy as np

WINDOW = 10.0  # seconds over which rates and losses are counted
FEWEST = 5  # intervals from which the rate of a publisher is estimated


@dataclass(frozen=True)
class Arrival:
    """One image that reached the node.

    Args:
        time: When it arrived, by a clock that never goes back, seconds.
        sent: When it was published, by the publisher's clock, seconds; None: unknown.
        number: Number that its publisher gave it; None: the middleware does not pass it on.
        publisher: Identity of its publisher; None: the middleware does not pass it on.
    """

    time: float
    sent: float | None = None
    number: int | None = None
    publisher: bytes | None = None


class Arrivals:
    """The images of the last seconds, and how many others got lost on the way.

    Args:
        start: When the node began to listen, by the clock of the arrivals, seconds.
    """

    def __init__(self, start: float) -> None:
        self.has_any = False  # whether an image ever arrived
        self._start = start
        self._last = start
        self._numbers: dict[bytes | None, int] = {}
        self._recent: deque[tuple[Arrival, int]] = deque()

    def add(self, arrival: Arrival) -> None:
        """Note an image."""
        lost = 0
        if arrival.number is not None:
            previous = self._numbers.get(arrival.publisher, arrival.number - 1)
            lost = max(0, arrival.number - previous - 1)
            self._numbers[arrival.publisher] = arrival.number
        self._recent.append((arrival, lost))
        self._last, self.has_any = arrival.time, True
        self._forget(arrival.time)

    def silence(self, now: float) -> float:
        """Return the seconds since the last image, or since the node began to listen."""
        return now - self._last

    def rate(self, now: float) -> float:
        """Return the images per second, over the last seconds."""
        return self.received(now) / max(1.0, min(WINDOW, now - self._start))

    def received(self, now: float) -> int:
        """Return how many images arrived in the last seconds."""
        self._forget(now)
        return len(self._recent)

    def lost(self, now: float) -> int:
        """Return how many images of the last seconds were published but did not arrive.

        Counted by the numbers that publishers give their messages, where the middleware passes
        them on; else by gaps between the times of sending, as multiples of the usual interval.
        """
        self._forget(now)
        if any(arrival.number is not None for arrival, _ in self._recent):
            return sum(lost for _, lost in self._recent)
        return count_gaps([arrival.sent for arrival, _ in self._recent if arrival.sent])

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0][0].time < now - WINDOW:
            self._recent.popleft()


def count_gaps(times: list[float]) -> int:
    """Return how many times are missing from a series that should be evenly spaced.

    Args:
        times: Ascending times, seconds. The usual interval is the middle one of the shorter half.
    """
    intervals = sorted(np.diff(times).tolist())
    if len(intervals) < FEWEST:
        return 0
    usual = median_low(intervals[: (len(intervals) + 1) // 2])
    if usual <= 0:
        return 0
    return sum(max(0, round(interval / usual) - 1) for interval in intervals)
