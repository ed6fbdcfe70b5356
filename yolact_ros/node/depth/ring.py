"""The newest depth images, serialized, until the image that they belong to asks for them."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from yolact_ros.health.freshness import NANOSECONDS

LENGTH = 16  # depth images that wait: half a second of most cameras


class DepthRing:
    """Keeps serialized depth images by their stamps, in nanoseconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, bytes]] = deque(maxlen=LENGTH)

    def add(self, stamp: int, data: bytes) -> None:
        """Let a depth image wait. When time goes back, all that waited is of another time."""
        with self._lock:
            if self._waiting and stamp <= self._waiting[-1][0]:
                self._waiting.clear()
            self._waiting.append((stamp, data))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._waiting.clear()

    @property
    def period(self) -> float:
        """Seconds from stamp to stamp, the median; 0 while it is unknown."""
        with self._lock:
            stamps = [stamp for stamp, _ in self._waiting]
        return float(np.median(np.diff(stamps))) * NANOSECONDS if len(stamps) > 1 else 0.0

    def nearest(self, stamp: int) -> tuple[float, bytes] | None:
        """Return how many seconds the nearest depth image is away, and itself; None without any.

        Args:
            stamp: Stamp of an image, nanoseconds.
        """
        with self._lock:
            if not self._waiting:
                return None
            nearest, data = min(self._waiting, key=lambda waiting: abs(waiting[0] - stamp))
        return abs(nearest - stamp) * NANOSECONDS, data

    def find(self, stamp: int, most: float = 0.0) -> bytes | None:
        """Return the depth image that belongs to an image, if there is one.

        That is the one of the same stamp, or else the nearest within half a period.

        Args:
            stamp: Stamp of the image, nanoseconds.
            most: Largest difference of the stamps, seconds; 0: half a period.
        """
        nearest = self.nearest(stamp)
        if nearest is None:
            return None
        difference, data = nearest
        half = self.period / 2
        return data if difference <= (min(half, most) if most else half) else None
