"""Run the jobs of several bags, and say in a sentence which of them failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path

from yolact_ros.bag.executors.executor import Ended, Executor, Observer, Work
from yolact_ros.bag.replay.frames import Span

Bar = Callable[[str, int], AbstractContextManager[Callable[[], None]]]  # as ``progress_bar``


def map_bags(
    executor: Executor,
    work: Work,
    jobs: Sequence[object],
    bar: Bar,
    on_damage: Callable[[str], None],
) -> list[Ended]:
    """Run one job for each bag, and return how they ended, in the order of the bags.

    Args:
        executor: Executor that runs the jobs.
        work: Work for a bag, which is one step.
        jobs: Job of each bag.
        bar: Progress bar, which is shown only where other processes do the work.
        on_damage: Called with one sentence about whatever cannot be read.
    """
    shown = bar('bags', len(jobs)) if executor.is_shared else nullcontext(lambda: None)
    with shown as advance:
        return executor.map(work, jobs, Observer(advance, on_damage))


def map_parts(
    executor: Executor, work: Work, jobs: Sequence[Sequence[object]], observer: Observer
) -> list[list[Ended]]:
    """Run the jobs for the parts of all bags, and return how they ended, bag by bag.

    Args:
        executor: Executor that runs the jobs.
        work: Work for a part.
        jobs: Jobs of the parts of each bag.
        observer: Learns of each image and each damage.
    """
    outcomes = iter(executor.map(work, [job for part in jobs for job in part], observer))
    return [list(islice(outcomes, len(part))) for part in jobs]


def describe_failure(bag: Path, reason: str) -> str:
    """Return a sentence about a bag of which nothing was done."""
    return f'bag {bag} was left out: {reason}'


def describe_failed_part(bag: Path, spans: Sequence[Span], number: int, reason: str) -> str:
    """Return a sentence about a part of a bag that was left out."""
    if len(spans) == 1:
        return describe_failure(bag, reason)
    first = sum(spans[number].counts.values())
    return (
        f'part {number + 1} of {len(spans)} of bag {bag}, from image {first} on, '
        f'was left out: {reason}'
    )
