"""Where the time goes, and how fast and how completely images arrive."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import astuple, dataclass, fields
from statistics import median_low

import numpy as np

WINDOW = 10.0  # seconds over which rates and losses are counted
KEPT = 300  # images over which latencies are summed up
FEWEST = 5  # intervals from which a publisher's rate is told


@dataclass(frozen=True)
class StageTimes:
    """Seconds that one image spent in each stage, as in ``yolact/msg/StageTiming``."""

    age_at_receive: float
    wait: float
    decode: float
    preprocess: float
    inference: float
    postprocess: float
    encode: float
    total: float


@dataclass(frozen=True)
class Summary:
    """Of the latest durations of one stage, seconds."""

    p50: float
    p95: float
    max: float


class Latencies:
    """The latest stage times. Written by the worker, read for diagnostics."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: deque[tuple[float, ...]] = deque(maxlen=KEPT)

    def add(self, times: StageTimes) -> None:
        """Remember the times of one image."""
        with self._lock:
            self._rows.append(astuple(times))

    def summarize(self) -> dict[str, Summary]:
        """Return a summary of each stage that was measured; ages only of images with a stamp."""
        with self._lock:
            rows = np.array(self._rows, dtype=np.float64).reshape(-1, len(fields(StageTimes)))
        summaries = {}
        for field, column in zip(fields(StageTimes), rows.T, strict=True):
            known = column[np.isfinite(column)]
            if known.size:
                p50, p95 = np.percentile(known, [50, 95]).tolist()
                summaries[field.name] = Summary(p50, p95, float(known.max()))
        return summaries


@dataclass(frozen=True)
class Arrival:
    """One image that reached the node.

    Args:
        time: When, by a clock that never goes back, seconds.
        sent: When it was published, by the publisher's clock, seconds; None if unknown.
        number: Its publisher's own number for it; None if the middleware does not tell.
        publisher: Who sent it; None if the middleware does not tell.
    """

    time: float
    sent: float | None = None
    number: int | None = None
    publisher: bytes | None = None


class Arrivals:
    """The images of the last seconds, and how many of their siblings got lost on the way.

    Args:
        start: The time at which the node began to listen, by the clock of the arrivals.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._last = start
        self._any = False
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
        self._last, self._any = arrival.time, True
        self._forget(arrival.time)

    @property
    def has_any(self) -> bool:
        """Whether an image ever arrived."""
        return self._any

    def silence(self, now: float) -> float:
        """Return the seconds since the last image, or since the node began to listen."""
        return now - self._last

    def rate(self, now: float) -> float:
        """Return the images per second, over the last seconds."""
        self._forget(now)
        return len(self._recent) / max(1.0, min(WINDOW, now - self._start))

    def received(self, now: float) -> int:
        """Return how many images arrived in the last seconds."""
        self._forget(now)
        return len(self._recent)

    def lost(self, now: float) -> int:
        """Return how many images of the last seconds were published but did not arrive.

        Told from the numbers that publishers give their messages, where the middleware hands them
        out; else from gaps between the times of sending, as multiples of the usual interval.
        """
        self._forget(now)
        if any(arrival.number is not None for arrival, _ in self._recent):
            return sum(lost for _, lost in self._recent)
        return count_gaps([arrival.sent for arrival, _ in self._recent if arrival.sent])

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0][0].time < now - WINDOW:
            self._recent.popleft()


def count_gaps(times: list[float]) -> int:
    """Return how many are missing from a series of times that should be evenly spaced.

    Args:
        times: Ascending, seconds. The usual interval is the middle one of the shorter half.
    """
    intervals = sorted(np.diff(times).tolist())
    if len(intervals) < FEWEST:
        return 0
    usual = median_low(intervals[: (len(intervals) + 1) // 2])
    if usual <= 0:
        return 0
    return sum(max(0, round(interval / usual) - 1) for interval in intervals)
