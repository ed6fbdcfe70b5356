"""Run jobs one after the other in this process, or by another executor of the same interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from yolact_core.detector import Detector
from yolact_ros.bag.io.storage import Loss, ReportLoss

_detectors: dict[str, Detector] = {}  # by source and options; loaded for the next job


def never() -> bool:
    """Return that a job should not stop."""
    return False


@dataclass(frozen=True)
class Observer:
    """What a job reports to while it runs.

    Args:
        advance: Function to call after each step, such as an image.
        on_loss: Function to call with each loss.
        is_stopped: Function that returns whether the job should end early and keep what it has.
    """

    advance: Callable[[], None]
    on_loss: ReportLoss
    is_stopped: Callable[[], bool] = never


Work = Callable[[Any, Observer], Any]  # an importable function of a job


@dataclass(frozen=True)
class Done:
    """A job that succeeded.

    Args:
        value: Value that the work returned.
        steps: Number of steps it took, of a job in another process.
        losses: What it could not read, of a job in another process.
    """

    value: Any
    steps: int = 0
    losses: tuple[Loss, ...] = ()


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
            observer: Observer of each step and each loss.
        """

    @abstractmethod
    def close(self) -> None:
        """End all jobs that are still running."""


class InProcess(Executor):
    """Runs jobs in this process, one after the other; an error in one of them ends all."""

    is_shared = False

    def map(self, work: Work, jobs: Sequence[object], observer: Observer) -> list[Ended]:
        """Run all jobs; the observer learns of each step as it is taken."""
        return [Done(work(job, observer)) for job in jobs]

    def close(self) -> None:
        """Drop the models that jobs kept in this process."""
        _detectors.clear()


def load_once(source: str, **options: Any) -> Detector:  # noqa: ANN401 - of any type
    """Return a detector as ``Detector.load`` does; the next job finds it loaded."""
    key = _key(source, options)
    if key not in _detectors:
        _detectors[key] = Detector.load(source, **options)
    return _detectors[key]


def keep_loaded(detector: Detector, source: str, **options: Any) -> None:  # noqa: ANN401 - of any type
    """Let jobs in this process find a detector loaded, if they ask for it by this description."""
    _detectors[_key(source, options)] = detector


def _key(source: str, options: dict[str, Any]) -> str:
    return repr((source, sorted(options.items())))
