"""Which candidate is fastest: measured in turn until the times part, or prove to be alike.

All take their turn in each round, in an order of its own, so that a machine that drifts slows all
alike; what is compared are ratios of one round. After each call there is a pause, in which
threads that wait for work go to sleep: they belong to several runtimes, and would take the cores
from whoever is next.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from yolact_core.runtimes import Backend
from yolact_core.runtimes.choices import Candidate, Measured, Median

SIZE = (480, 640, 3)  # of the image that is looked at
WARM_UP = 1
PAUSE = 0.02  # seconds
FEWEST, MOST = 5, 40  # rounds
SECONDS = 20.0  # after which no round begins
ALIKE = 1.05  # times slower, which nobody notices
HOPELESS = 1.5  # times slower in each of two rounds: more of them will not change it

Call = Callable[[], object]


@torch.inference_mode()
def measure_in_turn(backends: Mapping[Candidate, Backend]) -> tuple[Measured, ...]:
    """Return what each of several backends takes for an image, the fastest first.

    Args:
        backends: Backends of the same model on a CPU.
    """
    return measure_calls({name: call_of(backend) for name, backend in backends.items()})


def measure_calls(calls: Mapping[Candidate, Call]) -> tuple[Measured, ...]:
    """Call functions in turn until it is known which are fastest; see ``measure_in_turn``."""
    for call in (call for call in calls.values() for _ in range(WARM_UP)):
        call()
    seconds: dict[Candidate, list[float]] = {name: [] for name in calls}
    running, shuffler = list(calls), random.Random(0)
    end = time.monotonic() + SECONDS
    for _ in range(MOST):
        shuffler.shuffle(running)
        for name in running:
            time.sleep(PAUSE)
            start = time.perf_counter()
            calls[name]()
            seconds[name].append(time.perf_counter() - start)
        measured = summarise(seconds)
        left = [one for one in measured if one.candidate in running and not _is_slower(one)]
        running = [one.candidate for one in left]
        if all(map(_is_alike, left)) or time.monotonic() > end:
            break
    return measured


def summarise(seconds: Mapping[Candidate, Sequence[float]]) -> tuple[Measured, ...]:
    """Return what was measured, the fastest first.

    Args:
        seconds: Seconds of each candidate in each round that it took part in, from the first on.
    """
    most = max(map(len, seconds.values()))
    whole = [name for name, values in seconds.items() if len(values) == most]
    fastest = min(whole, key=lambda name: statistics.median(seconds[name]))
    measured = []
    for name, values in seconds.items():
        ratios = [one / best for one, best in zip(values, seconds[fastest], strict=False)]
        milliseconds = median_of([1000 * one for one in values])
        measured.append(Measured(name, milliseconds, median_of(ratios), len(values)))
    return tuple(sorted(measured, key=lambda one: one.times_slower.value))


def pick(measured: Sequence[Measured], preferred: Sequence[Candidate]) -> Candidate:
    """Return the first of those preferred that is surely as fast as the fastest.

    Args:
        measured: What was measured, the fastest first.
        preferred: All candidates; what comes first is taken where it is alike.
    """
    alike = {one.candidate for one in measured if one.times_slower.high <= ALIKE}
    return next(one for one in preferred if one in alike)


def median_of(values: Sequence[float]) -> Median:
    """Return a median with its interval, which are two of the values (order statistics)."""
    ordered = sorted(values)
    outside = max(0, int((len(ordered) - 1.96 * len(ordered) ** 0.5) / 2))
    return Median(statistics.median(ordered), ordered[outside], ordered[-1 - outside])


def call_of(backend: Backend) -> Call:
    """Return what is timed: from an image to the network's outputs."""
    image = np.random.default_rng(0).integers(0, 256, SIZE, dtype=np.uint8)
    return lambda: backend(backend.prepare([image]))


def _is_slower(one: Measured) -> bool:
    """Return whether a candidate is surely slower than the fastest: it falls behind for good."""
    if one.rounds >= FEWEST:
        return one.times_slower.low > ALIKE
    return one.rounds > 1 and one.times_slower.low > HOPELESS


def _is_alike(one: Measured) -> bool:
    """Return whether a candidate is surely as fast as the fastest."""
    return one.rounds >= FEWEST and one.times_slower.high <= ALIKE
