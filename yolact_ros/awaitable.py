"""Answers of other threads, for coroutines of an executor."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar('Answer')


class Awaitable(Generic[Answer]):
    """Makes the answer of another thread one that a coroutine can await.

    An executor of rclpy goes on meanwhile, and looks after a waiting coroutine whenever it wakes
    up for anything.

    Args:
        answer: Future of the other thread.
        wake: Function that wakes the executor up.
    """

    def __init__(self, answer: Future[Answer], wake: Callable[[], None]) -> None:
        self._answer = answer
        answer.add_done_callback(lambda _: wake())

    def __await__(self) -> Generator[None, None, Answer]:
        while not self._answer.done():
            yield
        return self._answer.result()
