"""One-slot mailboxes, one per camera: the newest frame waits, an older one is dropped."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_ros.health.freshness import Counters, Outcome

Header = Any  # ``std_msgs/msg/Header``


@dataclass(frozen=True)
class Frame:
    """An image as it came in.

    Args:
        camera: Name of the camera; empty for the only one.
        data: Serialized message.
        arrival: When it was received, by ``time.monotonic``, seconds.
        clock: When it was received, by the node's clock, nanoseconds.
        reading: Image that is being read already; None: not yet.
    """

    camera: str
    data: bytes
    arrival: float
    clock: int
    reading: Future[Input] | None = None

    def drop(self) -> None:
        """Do not read it any more."""
        if self.reading is not None:
            self.reading.cancel()


@dataclass(frozen=True)
class Input:
    """A frame that was read.

    Args:
        frame: Frame as it came in.
        header: Header of its message.
        rgb: Image, shape (H, W, 3).
        age: Age when it was received, seconds; NaN without a stamp.
        decode: Seconds from message to image.
        wait: All other seconds until the worker had it.
    """

    frame: Frame
    header: Header
    rgb: npt.NDArray[np.uint8]
    age: float
    decode: float
    wait: float = 0.0


class Mailbox:
    """Hands the newest frame of each camera to the worker, the cameras in turn.

    Args:
        cameras: Names of the cameras.
        now: Clock that never goes back, seconds.
    """

    def __init__(self, cameras: Sequence[str], now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._condition = threading.Condition()
        self._waiting: dict[str, Frame] = {}
        self._counters = {camera: Counters() for camera in cameras}
        self._served = dict.fromkeys(cameras, float('-inf'))  # when it was last served
        self._turns = deque(cameras)
        self._is_paused = False
        self._is_woken = False
        self._is_closed = False

    def put(self, frame: Frame) -> None:
        """Let a frame wait; it replaces an older one of the same camera. A paused box is shut."""
        with self._condition:
            if self._is_paused:
                frame.drop()
                return
            counters = self._counters[frame.camera]
            counters.received += 1
            if (older := self._waiting.get(frame.camera)) is not None:
                counters.dropped_busy += 1
                older.drop()
            self._waiting[frame.camera] = frame
            self._condition.notify()

    def take(self, most: int, interval: float = 0.0) -> list[Frame] | None:
        """Wait for frames and return those of the cameras whose turn it is.

        Args:
            most: Largest number of frames; each is of another camera.
            interval: Seconds that must pass until the same camera is served again.

        Returns:
            Newest frames; none after ``wake``; None once the box is closed.
        """
        with self._condition:
            while not (self._is_closed or self._is_woken or self._ready(interval)):
                self._condition.wait(self._seconds_until_due(interval))
            self._is_woken = False
            if self._is_closed:
                return None
            chosen = self._ready(interval)[:most]
            for camera in chosen:
                self._turns.remove(camera)
                self._turns.append(camera)
                self._served[camera] = self._now()
            return [self._waiting.pop(camera) for camera in chosen]

    def finish(self, camera: str, outcome: Outcome) -> None:
        """Count what became of a frame that was taken."""
        with self._condition:
            counters = self._counters[camera]
            setattr(counters, outcome, getattr(counters, outcome) + 1)

    def counters(self, camera: str) -> Counters:
        """Return a copy of what became of a camera's images so far."""
        with self._condition:
            return replace(self._counters[camera])

    @property
    def is_paused(self) -> bool:
        """Whether it takes nothing in."""
        return self._is_paused

    def pause(self, is_paused: bool) -> None:
        """Take nothing in until further notice, and drop what waits, or go on."""
        with self._condition:
            self._is_paused = is_paused
            if is_paused:
                for camera, frame in self._waiting.items():
                    self._counters[camera].dropped_busy += 1
                    frame.drop()
                self._waiting.clear()

    def wake(self) -> None:
        """Let ``take`` return although nothing waits."""
        with self._condition:
            self._is_woken = True
            self._condition.notify()

    def close(self) -> None:
        """Let ``take`` return None from now on."""
        with self._condition:
            self._is_closed = True
            self._condition.notify()

    def _ready(self, interval: float) -> list[str]:
        """Return the cameras that may be served now, the one that waits longest first."""
        now = self._now()
        return [
            camera
            for camera in self._turns
            if camera in self._waiting and self._served[camera] + interval <= now
        ]

    def _seconds_until_due(self, interval: float) -> float | None:
        """Return how long the first of the waiting frames has to wait yet, None without any."""
        dues = [self._served[camera] + interval for camera in self._waiting]
        return max(0.0, min(dues) - self._now()) if dues else None
