"""What the CPU is, which of its cores this process may use, and how busy others keep them."""

from __future__ import annotations

import os
import time
from pathlib import Path

CPU = Path('/proc/cpuinfo')
STAT = Path('/proc/stat')
IDLE = (3, 4)  # columns of a core in it: idle, and waiting for a disk
COUNTED = 8  # columns before the time of guests, which is counted twice


def read_cpu(field: str) -> str:
    """Return what Linux says of the first core in a field, such as ``flags``; else nothing."""
    try:
        lines = CPU.read_text(encoding='utf-8').splitlines()
    except OSError:
        return ''
    found = [line.partition(':')[2].strip() for line in lines if line.startswith(field)]
    return found[0] if found else ''


def has_fast_bfloat16() -> bool:
    """Return whether this CPU is surely faster in bfloat16 than in float32.

    AMX does many times as many multiplications, AMD's AVX-512 twice as many. Intel's AVX-512 does
    no more, and then there are values to convert.
    """
    flags = read_cpu('flags').split()
    is_amd = read_cpu('vendor_id') == 'AuthenticAMD'
    return 'amx_bf16' in flags or ('avx512_bf16' in flags and is_amd)


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
