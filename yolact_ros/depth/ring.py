"""The newest depth images, unread, until the image that they belong to asks for them."""

from __future__ import annotations

import threading
from collections import deque
from itertools import pairwise
from typing import Generic, TypeVar

from yolact_core.errors import InputError
from yolact_ros.health.freshness import NANOSECONDS

MILLI = 1000
LONG = 10.0  # seconds, of which milliseconds are hard to read
LENGTH = 16  # depth images that wait: half a second of most cameras
ENOUGH = 3  # depth images that tell the period: of two, one may follow a pause
GAP = 10**9  # nanoseconds without depth after which its period is measured anew


Data = TypeVar('Data')


class DepthRing(Generic[Data]):
    """Keeps depth images, such as serialized messages, by their stamps in nanoseconds.

    Args:
        length: Number of depth images that wait at most.
    """

    def __init__(self, length: int = LENGTH) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, Data]] = deque(maxlen=length)

    def add(self, stamp: int, data: Data) -> None:
        """Let a depth image wait. When time goes back or jumps, all that waited is of another."""
        with self._lock:
            if self._waiting and not follows(stamp, self._waiting[-1][0]):
                self._waiting.clear()
            self._waiting.append((stamp, data))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._waiting.clear()

    @property
    def period(self) -> float:
        """Seconds from stamp to stamp; 0 while it is unknown.

        Images that are lost on the way stretch some differences, hence the lower quartile.
        """
        with self._lock:
            stamps = [stamp for stamp, _ in self._waiting]
        if len(stamps) < ENOUGH:
            return 0.0
        differences = sorted(later - earlier for earlier, later in pairwise(stamps))
        return differences[len(differences) // 4] * NANOSECONDS

    def find(self, stamp: int, most: float = 0.0) -> Data:
        """Return the depth image that belongs to an image.

        That is the one of the same stamp, or else the nearest within half a period.

        Args:
            stamp: Stamp of the image, nanoseconds.
            most: Largest difference of the stamps, seconds; 0: half a period.

        Raises:
            InputError: There is none.
        """
        if stamp == 0:
            raise InputError('images must have stamps to be paired with depth, got none')
        nearest = self._nearest(stamp)
        if nearest is None:
            raise InputError('depth must come for images to have any, got none yet')
        found, data = nearest
        if found == 0:
            raise InputError('depth must have stamps to be paired with images, got none')
        difference, period = abs(found - stamp) * NANOSECONDS, self.period
        limit = min(period / 2, most) if most else period / 2
        if difference > limit:
            wanted = f'a stamp within {_describe(limit)} of that' if period else 'the stamp'
            raise InputError(
                f'depth must have {wanted} of the image, the nearest is {_describe(difference)} '
                'away'
            )
        return data

    def _nearest(self, stamp: int) -> tuple[int, Data] | None:
        """Return the nearest depth image with its stamp; None without any."""
        with self._lock:
            return min(self._waiting, key=lambda one: abs(one[0] - stamp), default=None)


def follows(stamp: int, before: int) -> bool:
    """Return whether a stamp continues another, both in nanoseconds: no jump of time or pause."""
    return 0 < stamp - before <= GAP


def _describe(seconds: float) -> str:
    """Return a duration for people, of a few digits."""
    return f'{seconds:.1f} s' if seconds >= LONG else f'{seconds * MILLI:.1f} ms'
