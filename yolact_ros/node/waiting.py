"""Waiting for another thread in a coroutine that an executor of rclpy runs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar('Answer')


class Awaitable(Generic[Answer]):
    """Makes a future of another thread one that can be awaited; the executor goes on meanwhile.

    An executor of rclpy looks after a waiting coroutine whenever it wakes up for anything.

    Args:
        future: Of another thread.
        wake: Wakes the executor up.
    """

    def __init__(self, future: Future[Answer], wake: Callable[[], None]) -> None:
        self._future = future
        future.add_done_callback(lambda _: wake())

    def __await__(self) -> Generator[None, None, Answer]:
        while not self._future.done():
            yield
        return self._future.result()
