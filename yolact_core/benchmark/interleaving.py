"""Timing round by round, so that a machine that drifts slows all alike and decides nothing."""

from __future__ import annotations

import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

Name = TypeVar('Name')
Sample = TypeVar('Sample')

BUSY_LOOP = 'while True: pass'


def run_rounds(
    measures: Mapping[Name, Callable[[int], Sample]],
    rounds: int,
    seconds: float,
    pause: float = 0.0,
    on_round: Callable[[], None] | None = None,
) -> dict[Name, list[Sample]]:
    """Measure all in each round, in an order of its own, and return what was measured.

    Args:
        measures: Each takes the number of the round.
        rounds: At most so many, at least one.
        seconds: No round begins after so many.
        pause: Seconds between two, in which threads that wait for work go to sleep.
        on_round: Called after each.
    """
    samples: dict[Name, list[Sample]] = {name: [] for name in measures}
    order, shuffler = list(measures), random.Random(0)
    end = time.monotonic() + seconds
    for number in range(rounds):
        shuffler.shuffle(order)
        for name in order:
            time.sleep(pause)
            samples[name].append(measures[name](number))
        if on_round:
            on_round()
        if time.monotonic() > end:
            break
    return samples


def time_interleaved(
    functions: Mapping[str, Callable[[], object]], rounds: int = 15, warm_up: int = 3
) -> dict[str, float]:
    """Call functions round by round, and return the median seconds of each.

    Args:
        functions: By name.
        rounds: That count.
        warm_up: Rounds before these.
    """

    def measure(function: Callable[[], object]) -> Callable[[int], float]:
        def call(_round: int) -> float:
            start = time.perf_counter()
            function()
            return time.perf_counter() - start

        return call

    measures = {name: measure(function) for name, function in functions.items()}
    samples = run_rounds(measures, warm_up + rounds, seconds=float('inf'))
    return {name: statistics.median(values[warm_up:]) for name, values in samples.items()}


@contextmanager
def busy_process() -> Iterator[Callable[[bool], None]]:
    """Start a process that keeps one core busy, asleep at first; give a function that wakes it."""
    with subprocess.Popen([sys.executable, '-c', BUSY_LOOP]) as process:

        def wake(is_wanted: bool) -> None:
            process.send_signal(signal.SIGCONT if is_wanted else signal.SIGSTOP)

        try:
            wake(False)
            yield wake
        finally:
            process.kill()
