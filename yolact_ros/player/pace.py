"""When to publish what."""

from __future__ import annotations

import time
from collections.abc import Callable

from yolact_ros.player.recording import NS_PER_S


class Pace:
    """Waits for positions of a recording.

    Each is due at a fixed time after the first one was, so that no delay adds to the next.

    Args:
        speed: 2.0 plays twice as fast as recorded.
        rest: Does nothing for at most so many seconds, and says whether to go on.
        now: A clock in ns that never jumps.
    """

    def __init__(
        self,
        speed: float,
        rest: Callable[[float], bool],
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._speed = speed
        self._rest = rest
        self._now = now
        self._began: int | None = None

    @property
    def position(self) -> int:
        """Where a recording would be now, in ns; 0 before the first wait."""
        return 0 if self._began is None else round((self._now() - self._began) * self._speed)

    def wait_for(self, position: int) -> bool:
        """Wait until a position is due, and return whether to go on; late ones are due at once."""
        if self._began is None:
            self._began = self._now() - round(position / self._speed)
        due = self._began + round(position / self._speed)
        while (remaining := due - self._now()) > 0:
            if not self._rest(remaining / NS_PER_S):
                return False
        return self._rest(0.0)
