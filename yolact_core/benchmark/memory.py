"""How much memory something takes, in this process and on its GPU."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

import torch

STATUS, CLEAR = Path('/proc/self/status'), Path('/proc/self/clear_refs')
FORGET_PEAK = '5'


class MemoryMeter:
    """Tells how far memory has risen above its level when the meter was made.

    Args:
        device: A CUDA device has memory of its own, whoever on it uses it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._host = resident_bytes()
        self._on_device = self._device_bytes()

    def forget_peak(self) -> None:
        """Let the peak begin anew, without what was only needed to get here."""
        if sys.platform == 'linux':
            release_free_memory()
            CLEAR.write_text(FORGET_PEAK)

    def host_bytes(self) -> int | None:
        """Return the peak of this process above the level at first; None where none is told."""
        peak = _read_status('VmHWM')
        return None if peak is None or self._host is None else max(0, peak - self._host)

    def device_bytes(self) -> int | None:
        """Return what the GPU holds above the level at first; None without one."""
        now = self._device_bytes()
        if now is None or self._on_device is None:
            return None
        return max(0, now - self._on_device)

    def _device_bytes(self) -> int | None:
        if self._device.type != 'cuda':
            return None
        torch.cuda.synchronize(self._device)
        free, total = torch.cuda.mem_get_info(self._device)
        return total - free


def resident_bytes() -> int | None:
    """Return what this process has in memory, once what is free is given back (Linux)."""
    release_free_memory()
    return _read_status('VmRSS')


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
