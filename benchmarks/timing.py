"""Interleaved timing, so that a machine that drifts slows all alike, and peak memory."""

import ctypes
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def time_interleaved(
    functions: Mapping[str, Callable[[], object]], rounds: int = 15, warm_up: int = 3
) -> dict[str, float]:
    """Call each function in turn, round by round, and return the median seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(warm_up + rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            elapsed = time.perf_counter() - start
            if turn >= warm_up:
                seconds[name].append(elapsed)
    return {name: statistics.median(values) for name, values in seconds.items()}


def peak_bytes(function: Callable[[], object]) -> int:
    """Return how far the memory of this process rises above its level during a call (Linux)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # give what is free back, so that new use can be seen
    Path('/proc/self/clear_refs').write_text('5')  # forget the peak so far
    before = _status('VmRSS')
    function()
    return max(0, _status('VmHWM') - before)


def _status(field: str) -> int:
    lines = Path('/proc/self/status').read_text().splitlines()
    line = next(line for line in lines if line.startswith(field))
    return int(line.split()[1]) * 1024
