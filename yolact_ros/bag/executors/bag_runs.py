"""Work over bags: survey each bag, run its parts anywhere, and gather what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from yolact_core.cli import stop_on_interrupt
from yolact_ros.bag.executors.executor import Done, Executor, Observer, never
from yolact_ros.bag.io.storage import ReportLoss
from yolact_ros.bag.replay.frames import Span


class Job(Protocol):
    """What is to be done with a bag, as plain values that can be sent to another process."""

    @property
    def bag(self) -> Path:
        """Path of the bag."""


AnyJob = TypeVar('AnyJob', bound=Job)
Facts = TypeVar('Facts')
Result = TypeVar('Result')


@dataclass(frozen=True)
class Reporter:
    """How the progress of a run over bags is shown.

    Args:
        bar: Function that shows a progress bar for a number of steps, as ``progress_bar`` does.
        on_loss: Function to call with each loss.
    """

    bar: Callable[[str, int], AbstractContextManager[Callable[[], None]]]
    on_loss: ReportLoss


@dataclass(frozen=True)
class Part(Generic[AnyJob, Facts]):
    """A part of a bag.

    Args:
        job: What is to be done with the bag.
        facts: What is known of the bag and the job.
        number: Number of the part, from 0.
        count: Number of all parts of the bag.
        span: Stretch of the bag that is this part.
    """

    job: AnyJob
    facts: Facts
    number: int
    count: int
    span: Span

    def describe_failure(self, reason: str) -> str:
        """Return a sentence about the part, which was left out."""
        if self.count == 1:
            return _describe_failure(self.job, reason)
        first = sum(self.span.counts.values())
        return (
            f'part {self.number + 1} of {self.count} of bag {self.job.bag}, from image {first} '
            f'on, was left out: {reason}'
        )


@dataclass(frozen=True)
class Survey(Generic[Facts, Result]):
    """A bag that was surveyed.

    Args:
        facts: What is known of the bag and the job.
        spans: Stretches of the bag, one for each part.
        images: Estimated number of images that are not done yet.
        done: Results of the parts that an earlier run did, by number.
    """

    facts: Facts
    spans: tuple[Span, ...]
    images: int
    done: Mapping[int, Result] = field(default_factory=dict)

    def list_missing(self, job: AnyJob) -> list[Part[AnyJob, Facts]]:
        """Return the parts that are not done yet."""
        return [
            Part(job, self.facts, number, len(self.spans), span)
            for number, span in enumerate(self.spans)
            if number not in self.done
        ]


@dataclass
class BagRun(Generic[AnyJob, Facts, Result]):
    """What becomes of a bag.

    Args:
        job: What is to be done.
        facts: What is known of the bag and the job; None if nothing of the bag can be read.
        results: Results of the parts that were done, now or by an earlier run.
        failures: What could not be done, each in one sentence.
        remarks: What else is worth knowing, each in one sentence.
    """

    job: AnyJob
    facts: Facts | None = None
    results: list[Result] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def note_failure(self, reason: str) -> None:
        """Note that nothing was done of the bag."""
        self.failures.append(_describe_failure(self.job, reason))


def run_bags(
    executor: Executor,
    runs: Sequence[BagRun[AnyJob, Facts, Result]],
    part_images: int,
    survey: Callable[[int | None, AnyJob, Observer], Survey[Facts, Result]],
    work: Callable[[Part[AnyJob, Facts], Observer], Result],
    reporter: Reporter,
) -> None:
    """Do something with all images of some bags, as far as possible.

    Args:
        executor: Executor that does the work; only a shared one splits bags.
        runs: Run of each bag, which is filled in.
        part_images: Approximate number of images in a part.
        survey: Function that splits a bag in parts of so many images, or not at all; one step.
        work: Function that does a part of a bag, each image of which is a step.
        reporter: Reporter of the progress and of what cannot be read.
    """
    shown = reporter.bar('bags', len(runs)) if executor.is_shared else nullcontext(lambda: None)
    split = partial(survey, part_images if executor.is_shared else None)
    with shown as advance:
        observer = Observer(advance, reporter.on_loss)
        outcomes = executor.map(split, [run.job for run in runs], observer)
    images = 0
    missing: list[tuple[BagRun[AnyJob, Facts, Result], Part[AnyJob, Facts]]] = []
    for run, outcome in zip(runs, outcomes, strict=True):
        if isinstance(outcome, Done):
            run.facts = outcome.value.facts
            run.results.extend(outcome.value.done.values())
            images += outcome.value.images
            missing += [(run, part) for part in outcome.value.list_missing(run.job)]
        else:
            run.note_failure(outcome.reason)
    stopping = nullcontext(never) if executor.is_shared else stop_on_interrupt()
    with reporter.bar('images', images) as advance, stopping as is_stopped:
        observer = Observer(advance, reporter.on_loss, is_stopped)
        outcomes = executor.map(work, [part for _, part in missing], observer)
    for (run, part), outcome in zip(missing, outcomes, strict=True):
        if isinstance(outcome, Done):
            run.results.append(outcome.value)
        else:
            run.failures.append(part.describe_failure(outcome.reason))


def _describe_failure(job: Job, reason: str) -> str:
    return f'bag {job.bag} was left out: {reason}'
