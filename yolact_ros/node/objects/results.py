"""The newest result of a camera, and those who wait for the next one."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass

from yolact_core.errors import InputError
from yolact_ros.messages.result import Result

NOT_ACTIVE = 'the node must be active to process images'
TIMEOUT = 5.0  # seconds that a request waits for an image
DEPTH_TIMEOUT = 2.0  # seconds of them that it passes over images without depth


@dataclass(frozen=True, eq=False)
class Waiting:
    """Somebody who waits for a result.

    Args:
        answer: Future that is given the result.
        depth_until: Time by ``time.monotonic`` until which results without depth are passed over.
    """

    answer: Future[Result]
    depth_until: float


class Results:
    """Keeps the newest result from ``start`` to ``stop``, and hands it to those who wait.

    Attributes:
        is_running: Whether there may be a next one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.is_running = False
        self._newest: Result | None = None
        self._waiting: list[Waiting] = []

    @property
    def newest(self) -> Result | None:
        """The newest result with depth, or without if none had any; None before the first."""
        return self._newest

    def start(self) -> None:
        """Let results be waited for."""
        self.is_running = True

    def stop(self) -> None:
        """Forget the newest result, and refuse those who wait."""
        with self._lock:
            self.is_running, self._newest = False, None
            waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.answer.set_exception(InputError(NOT_ACTIVE))

    def put(self, result: Result) -> None:
        """Take a result; in the thread of the worker."""
        now = time.monotonic()
        with self._lock:
            if not self.is_running:
                return
            if result.space or self._newest is None or self._newest.space is None:
                self._newest = result
            served = [one for one in self._waiting if result.space or now >= one.depth_until]
            self._waiting = [one for one in self._waiting if one not in served]
        for one in served:
            one.answer.set_result(result)

    def wait(self, *, has_depth: bool, timeout: float = TIMEOUT) -> Future[Result]:
        """Return the next result, or why there is none: an ``InputError``.

        Args:
            has_depth: Whether to pass over results without depth for a while.
            timeout: Seconds to wait at most.
        """
        answer: Future[Result] = Future()
        one = Waiting(answer, time.monotonic() + (DEPTH_TIMEOUT if has_depth else 0.0))
        with self._lock:
            if not self.is_running:
                answer.set_exception(InputError(NOT_ACTIVE))
                return answer
            self._waiting.append(one)
        timer = threading.Timer(timeout, self._give_up, (one, timeout))
        timer.daemon = True
        answer.add_done_callback(lambda _: timer.cancel())
        timer.start()
        return answer

    def _give_up(self, one: Waiting, timeout: float) -> None:
        with self._lock:
            if one not in self._waiting:
                return
            self._waiting.remove(one)
        one.answer.set_exception(
            InputError(f'an image must come within {timeout:g} s to answer from, got none')
        )
