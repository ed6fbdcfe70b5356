"""Time and memory of what runs in this process, measured side by side.

Timing goes round by round, so that a machine that drifts slows all alike and decides nothing.
"""

from __future__ import annotations

import ctypes
import gc
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

Name = TypeVar('Name')
Sample = TypeVar('Sample')

BUSY_LOOP = 'while True: pass'
STATUS, CLEAR = Path('/proc/self/status'), Path('/proc/self/clear_refs')
FORGET_PEAK = '5'


def run_rounds(
    measures: Mapping[Name, Callable[[int], Sample]],
    rounds: int,
    seconds: float,
    pause: float = 0.0,
    on_round: Callable[[], None] | None = None,
) -> dict[Name, list[Sample]]:
    """Measure all in each round, in an order of its own, and return what was measured.

    Args:
        measures: Functions by name; each is given the number of the round.
        rounds: Number of rounds at most; there is at least one.
        seconds: Seconds after which no round begins.
        pause: Seconds between two calls, in which threads that wait for work go to sleep.
        on_round: Function that is called after each round.
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
        functions: Functions to time, by name.
        rounds: Number of rounds that count.
        warm_up: Number of rounds before these.
    """

    def measure(function: Callable[[], object], _round: int) -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    measures = {name: partial(measure, function) for name, function in functions.items()}
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


class MemoryMeter:
    """Measures how far memory has risen above its level when the meter was made.

    Args:
        device: Device; the memory of a CUDA device is counted whichever process uses it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        release_free_memory()
        self._host = _read_status('VmRSS')
        self._on_device = self._device_bytes()

    def forget_peak(self) -> None:
        """Let the peak begin anew, without what was only needed to get here."""
        if sys.platform == 'linux':
            release_free_memory()
            CLEAR.write_text(FORGET_PEAK)

    def host_bytes(self) -> int | None:
        """Return the peak of this process above its first level; None if it is not known."""
        peak = _read_status('VmHWM')
        return None if peak is None or self._host is None else max(0, peak - self._host)

    def device_bytes(self) -> int | None:
        """Return what the GPU holds above the level at first; None without one."""
        now = self._device_bytes()
        return None if now is None or self._on_device is None else max(0, now - self._on_device)

    def _device_bytes(self) -> int | None:
        if self._device.type != 'cuda':
            return None
        torch.cuda.synchronize(self._device)
        free, total = torch.cuda.mem_get_info(self._device)
        return total - free


def release_free_memory() -> None:
    """Give free memory back to the system, so that new use of it can be seen."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == 'linux':
        trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)  # of glibc only
        if trim is not None:
            trim(0)


def _read_status(field: str) -> int | None:
    if not STATUS.is_file():
        return None
    lines = STATUS.read_text(encoding='utf-8').splitlines()
    line = next(line for line in lines if line.startswith(field))
    return int(line.split()[1]) * 1024
