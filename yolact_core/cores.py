"""Cores that this process may use, and how busy others keep them."""

from __future__ import annotations

import os
import time
from pathlib import Path

STAT = Path('/proc/stat')
IDLE = (3, 4)  # columns of a core in it: idle, and waiting for a disk
COUNTED = 8  # columns before the time of guests, which is counted twice


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(_core_numbers())


class CoreMeter:
    """Tells how many cores others have kept busy since it was made; 0 where that is not known.

    Others are other processes and, on a virtual machine, what the host keeps from it. Of the
    cores of the machine only those count that this process may use.
    """

    def __init__(self) -> None:
        self._start = _clocks()

    def others(self) -> float:
        """Return cores that others have used, on average, from 0 to ``usable_cores()``."""
        wall, own, busy = (now - then for now, then in zip(_clocks(), self._start, strict=True))
        return min(max(0.0, (busy - own) / wall), float(usable_cores()))


def _clocks() -> tuple[float, float, float]:
    """Return seconds: of the wall clock, of all threads here, and of all that keeps cores busy."""
    return time.perf_counter(), time.process_time(), _busy_seconds()


def _busy_seconds() -> float:
    try:
        lines = STAT.read_text(encoding='ascii').splitlines()
    except OSError:
        return 0.0
    names = {f'cpu{number}' for number in _core_numbers()}
    ticks = 0
    for name, *columns in map(str.split, lines):
        if name in names:
            counts = list(map(int, columns[:COUNTED]))
            ticks += sum(counts) - sum(counts[column] for column in IDLE)
    return ticks / os.sysconf('SC_CLK_TCK')


def _core_numbers() -> set[int]:
    if hasattr(os, 'sched_getaffinity'):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
