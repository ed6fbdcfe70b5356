"""Jobs for whoever has time, done again where someone fails: what all engines have to offer."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from yolact_core.errors import InputError

ATTEMPTS = 3

Work = Callable[[Any], Any]  # an importable function of one argument


@dataclass(frozen=True)
class Done:
    """A job that ended well.

    Args:
        value: What the function returned.
    """

    value: Any


@dataclass(frozen=True)
class Refused:
    """A job that cannot be done, however often it is tried.

    Args:
        reason: In one sentence.
    """

    reason: str


@dataclass(frozen=True)
class Crashed:
    """A job that went wrong, and may do better the next time.

    Args:
        reason: What happened.
    """

    reason: str


Ended = Done | Refused
Outcome = Ended | Crashed


class Pool(Protocol):
    """Someone who does jobs: a context manager."""

    @property
    def size(self) -> int:
        """How many jobs it takes at the same time."""

    def submit(self, number: int, work: Work, job: object) -> None:
        """Begin a job; there are never more than ``size``."""

    def wait(self) -> tuple[int, Outcome]:
        """Wait until any job ends, and return its number and how it ended."""

    def __enter__(self) -> Pool:
        """Return itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all that is still going on."""


def run_jobs(pool: Pool, work: Work, jobs: Sequence[object]) -> Iterator[tuple[int, Ended]]:
    """Do jobs, each until it ends well or has failed too often.

    Args:
        pool: Who does them.
        work: What is done.
        jobs: Begun in this order.

    Yields:
        The number of a job and how it ended, as soon as that is so.
    """
    waiting, attempts, running = deque(range(len(jobs))), Counter[int](), 0
    while waiting or running:
        while waiting and running < pool.size:
            number = waiting.popleft()
            pool.submit(number, work, jobs[number])
            running += 1
        number, outcome = pool.wait()
        running -= 1
        attempts[number] += 1
        if not isinstance(outcome, Crashed):
            yield number, outcome
        elif attempts[number] < ATTEMPTS:
            waiting.append(number)
        else:
            yield number, Refused(f'it failed {ATTEMPTS} times, at last: {outcome.reason}')


def attempt(work: Work, job: object) -> Outcome:
    """Do a job in a process that has no other, with a single thread.

    The number of threads decides in which order sums are made, and thereby the last digit.
    """
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        return Done(work(job))
    except InputError as error:
        return Refused(str(error))
    except Exception as error:  # whatever it is, others go on
        return Crashed(f'{type(error).__name__}: {error}')
