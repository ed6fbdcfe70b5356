"""Map jobs over an executor: this process, or a pool of workers that are replaced if they die."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from yolact_core.errors import InputError
from yolact_core.terminal import stop_on_interrupt
from yolact_ros.bag.executors.models import unload

ATTEMPTS = 3


def never() -> bool:
    """Return that a job should not stop."""
    return False


@dataclass(frozen=True)
class Observer:
    """What a job reports to while it runs.

    Args:
        advance: Called after each step, such as an image.
        on_damage: Called with one sentence about whatever cannot be read.
        is_stopped: Returns whether the job should end early and keep what it has.
    """

    advance: Callable[[], None]
    on_damage: Callable[[str], None]
    is_stopped: Callable[[], bool] = never


Work = Callable[[Any, Observer], Any]  # an importable function of a job


@dataclass(frozen=True)
class Done:
    """A job that succeeded.

    Args:
        value: Value that the work returned.
        steps: Number of steps it took, of a job in another process.
        damages: Sentences about what it could not read, of a job in another process.
    """

    value: Any
    steps: int = 0
    damages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A job that cannot be done, however often it is tried.

    Args:
        reason: Reason in one sentence.
    """

    reason: str


@dataclass(frozen=True)
class Crashed:
    """A job that went wrong, and may succeed the next time.

    Args:
        reason: What happened.
    """

    reason: str


Ended = Done | Refused
Attempted = Ended | Crashed


class Executor(ABC):
    """Runs jobs.

    Attributes:
        is_shared: Whether jobs run in other processes, several at a time.
    """

    is_shared: bool

    @abstractmethod
    def map(self, work: Work, jobs: Sequence[object], observer: Observer) -> list[Ended]:
        """Run all jobs, and return how they ended, in the order of the jobs.

        Args:
            work: Work to do for each job.
            jobs: Jobs, which are begun in this order.
            observer: Learns of each step and each damage.
        """

    @abstractmethod
    def interruptible(self) -> AbstractContextManager[Callable[[], bool]]:
        """Give a function that returns whether Ctrl-C asked running jobs to end early."""

    @abstractmethod
    def close(self) -> None:
        """End all jobs that are still running."""


class InProcess(Executor):
    """Runs jobs in this process, one after the other; an error in one of them ends all."""

    is_shared = False

    def map(self, work: Work, jobs: Sequence[object], observer: Observer) -> list[Ended]:
        """Run all jobs; the observer learns of each step as it is taken."""
        return [Done(work(job, observer)) for job in jobs]

    def interruptible(self) -> AbstractContextManager[Callable[[], bool]]:
        """Let Ctrl-C ask the running job to end early."""
        return stop_on_interrupt()

    def close(self) -> None:
        """Drop the models that jobs kept in this process."""
        unload()


class Pool(Executor):
    """Runs jobs in other processes, several at a time; each until it ends well or fails too often.

    Attributes:
        size: Number of jobs that can run at the same time.
    """

    is_shared = True
    size: int

    @abstractmethod
    def submit(self, number: int, work: Work, job: object) -> None:
        """Begin a job; there are never more than ``size``."""

    @abstractmethod
    def wait(self) -> tuple[int, Attempted]:
        """Wait until any job ends, and return its number and how it ended."""

    def interruptible(self) -> AbstractContextManager[Callable[[], bool]]:
        """Let Ctrl-C raise KeyboardInterrupt here, where nothing is lost by it."""
        return nullcontext(never)

    def map(self, work: Work, jobs: Sequence[object], observer: Observer) -> list[Ended]:
        """Run all jobs; the observer learns of steps as jobs end, then of damages in order."""
        ended: dict[int, Ended] = {}
        for number, outcome in self.run(work, jobs):
            ended[number] = outcome
            for _ in range(outcome.steps if isinstance(outcome, Done) else 0):
                observer.advance()
        in_order = [ended[number] for number in range(len(jobs))]
        for outcome in in_order:
            for sentence in outcome.damages if isinstance(outcome, Done) else ():
                observer.on_damage(sentence)
        return in_order

    def run(self, work: Work, jobs: Sequence[object]) -> Iterator[tuple[int, Ended]]:
        """Run all jobs.

        Yields:
            The number of a job and how it ended, as soon as it has ended.
        """
        waiting, attempts, running = deque(range(len(jobs))), Counter[int](), 0
        while waiting or running:
            while waiting and running < self.size:
                number = waiting.popleft()
                self.submit(number, work, jobs[number])
                running += 1
            number, outcome = self.wait()
            running -= 1
            attempts[number] += 1
            if not isinstance(outcome, Crashed):
                yield number, outcome
            elif attempts[number] < ATTEMPTS:
                waiting.append(number)
            else:
                yield number, Refused(f'it failed {ATTEMPTS} times, at last: {outcome.reason}')


def attempt(work: Work, job: object) -> Attempted:
    """Run a job in a process that has no other, with a single thread.

    The number of threads decides in which order sums are made, and thereby the last digit.
    """
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    steps: list[None] = []
    damages: list[str] = []
    try:
        value = work(job, Observer(lambda: steps.append(None), damages.append))
    except InputError as error:
        return Refused(str(error))
    except Exception as error:  # whatever it is, other jobs go on
        return Crashed(f'{type(error).__name__}: {error}')
    return Done(value, len(steps), tuple(damages))
