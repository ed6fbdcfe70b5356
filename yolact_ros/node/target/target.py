"""Which object is followed: chosen once, and from then on kept by its track."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_ros.health.diagnostics import Status
from yolact_ros.health.transport import Level
from yolact_ros.messages.result import Result
from yolact_ros.messages.stamps import NS_PER_S, stamp_of

TOLD = 0.5  # seconds out of sight that are told; less is flicker


@dataclass(frozen=True)
class Wish:
    """Which object is wanted.

    Args:
        class_name: Name of its class; empty: of any. Without an id the nearest of them is meant.
        id: Id of its track; empty: of any.
    """

    class_name: str = ''
    id: str = ''


class Target:
    """Keeps to one object, and never takes another for it; used from several threads.

    Args:
        tell: Function that is given, in a sentence, what became of the target.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._wish: Wish | None = None
        self._name = ''  # of the object, once there is one
        self._id = ''
        self._seen = 0.0  # time of the last image that shows it, seconds
        self._gap = 0.0  # seconds from that image to the newest one
        self._is_lost = False
        self._newest: Result | None = None

    def choose(self, wish: Wish | None) -> str:
        """Follow another object; None: no longer any.

        Args:
            wish: Which object is wanted.

        Returns:
            Id of the track that it has in the newest image; empty where it is not in there.

        Raises:
            InputError: The model knows no such class, or nothing is followed from image to image.
        """
        with self._lock:
            newest = self._newest
            if wish is not None and newest is not None:
                _check(wish, newest)
            self._wish, self._id = wish, ''
            if wish is not None and newest is not None and newest.tracks is not None:
                self._take(wish, newest, newest.tracks.ids)
            return self._id

    def find(self, result: Result, max_lost: float) -> int | None:
        """Return which detection of an image is the target; None where it is not seen.

        Args:
            result: The next image.
            max_lost: Seconds out of sight after which its track has ended.
        """
        with self._lock:
            self._newest = result
            if self._wish is None or result.tracks is None:
                return None
            ids = result.tracks.ids
            if not self._id:
                self._take(self._wish, result, ids)
            if not self._id:
                return None
            self._note(_time_of(result), max_lost, is_seen=self._id in ids)
            return ids.index(self._id) if self._id in ids else None

    def check(self) -> Status:
        """Report how it is."""
        with self._lock:
            if self._wish is None:
                return Status('target', Level.OK, 'none is asked for')
            if not self._id:
                return Status('target', Level.OK, 'waits for the first object that fits')
            values = {'id': self._id, 'out of sight (s)': f'{self._gap:.2f}'}
            if self._is_lost:
                return Status('target', Level.WARN, self._describe_loss(), values)
            state = f'is out of sight for {self._gap:.1f} s' if self._gap else 'is seen'
            return Status('target', Level.OK, f'{self._name} {state}', values)

    def _note(self, now: float, max_lost: float, *, is_seen: bool) -> None:
        """Tell what became of the target, once each time."""
        before, self._gap = self._gap, 0.0 if is_seen else now - self._seen
        if is_seen:
            if before > TOLD or self._is_lost:
                self._tell(f'target {self._name} is seen again')
            self._seen, self._is_lost = now, False
        elif not self._is_lost and not 0 <= self._gap <= max_lost:
            self._is_lost = True
            self._tell(f'target {self._describe_loss()}')
        elif before <= TOLD < self._gap:
            self._tell(f'target {self._name} is out of sight')

    def _describe_loss(self) -> str:
        return f'{self._name} is lost, and no other takes its place: choose one by set_target'

    def _take(self, wish: Wish, result: Result, ids: tuple[str, ...]) -> None:
        """Take the nearest object that fits a wish, if there is any."""
        names = result.detections.class_names
        distances = _measure(result)
        fitting = [
            index
            for index, (name, track_id) in enumerate(zip(names, ids, strict=True))
            if track_id
            and (wish.id == track_id or (not wish.id and wish.class_name in ('', name)))
        ]
        if fitting:
            nearest = min(fitting, key=lambda index: float(distances[index]))
            self._id, self._name = ids[nearest], f'{names[nearest]} {ids[nearest]}'
            self._seen, self._gap, self._is_lost = _time_of(result), 0.0, False
            self._tell(f'target {self._name} is seen')


def _time_of(result: Result) -> float:
    """Return the time of an image in seconds; without a stamp it is of now."""
    return (stamp_of(result.header) or time.monotonic_ns()) / NS_PER_S


def _measure(result: Result) -> npt.NDArray[np.float64]:
    """Return how far away each instance is, metres; behind all these, large ones come first."""
    distances = 1e6 - result.detections.masks.areas() / np.prod(result.detections.size)
    if result.objects is not None:
        distances[result.objects.indices] = result.objects.depths
    return distances


def _check(wish: Wish, newest: Result) -> None:
    """Refuse a wish that no image can fulfil.

    Raises:
        InputError: It is such a wish.
    """
    if newest.tracks is None:
        raise InputError('tracking.enabled must be true for a target to be kept, got false')
    known = newest.detections.all_class_names
    if wish.class_name and wish.class_name not in known:
        raise InputError(f'class must be one of {", ".join(known)}, got {wish.class_name!r}')
