"""How far jobs are, and what is said of those that fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from yolact_ros.bag.fleet.pool import Ended, Pool, Work, run_jobs
from yolact_ros.bag.replay.frames import Span

Bar = Callable[[str, int], AbstractContextManager[Callable[[], None]]]  # as ``progress_bar``


def do_all(
    pool: Pool, work: Work, jobs: Sequence[object], on_end: Callable[[Ended], None]
) -> list[Ended]:
    """Do jobs, and return how they ended, in the order of the jobs.

    Args:
        pool: Who does them.
        work: What is done.
        jobs: Begun in this order.
        on_end: Is told of each, as soon as it ends.
    """
    ended: dict[int, Ended] = {}
    for number, outcome in run_jobs(pool, work, jobs):
        ended[number] = outcome
        on_end(outcome)
    return [ended[number] for number in range(len(jobs))]


def name_failure(bag: Path, reason: str) -> str:
    """Return in one sentence why nothing was done of a bag."""
    return f'bag {bag} was left out: {reason}'


def name_failed_part(bag: Path, spans: Sequence[Span], number: int, reason: str) -> str:
    """Return in one sentence why a part of a bag was left out."""
    if len(spans) == 1:
        return name_failure(bag, reason)
    first = sum(spans[number].counts.values())
    return (
        f'part {number + 1} of {len(spans)} of bag {bag}, from image {first} on, '
        f'was left out: {reason}'
    )
