"""Which object is followed: chosen once, and from then on kept by its track."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_ros.messages.result import Result


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
        self._is_seen = False
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
            self._wish, self._id, self._is_seen = wish, '', False
            if newest is not None:
                self._find(newest)
            return self._id if self._is_seen else ''

    def find(self, result: Result) -> int | None:
        """Return which detection of an image is the target; None where it is not seen.

        Args:
            result: The next image.
        """
        with self._lock:
            self._newest = result
            return self._find(result)

    def _find(self, result: Result) -> int | None:
        if self._wish is None or result.tracks is None:
            return None
        ids = result.tracks.ids
        if not self._id:
            self._take(result, ids)
        index = ids.index(self._id) if self._id and self._id in ids else None
        if self._id and (index is not None) != self._is_seen:
            self._is_seen = index is not None
            self._tell(f'target {self._name} is {"seen" if self._is_seen else "lost"}')
        return index

    def _take(self, result: Result, ids: tuple[str, ...]) -> None:
        """Take the nearest object that fits the wish, if there is any."""
        wish, names = self._wish or Wish(), result.detections.class_names
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
