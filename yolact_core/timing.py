"""Where the time of a detection goes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise

import torch


@dataclass(frozen=True)
class Timing:
    """Seconds that each stage of the last call took, device work included."""

    preprocess: float = 0.0
    network: float = 0.0
    nms: float = 0.0
    masks: float = 0.0

    @property
    def total(self) -> float:
        """Seconds from image to detections."""
        return self.preprocess + self.network + self.nms + self.masks


class Clock:
    """Adds up the seconds of each stage.

    A GPU is not waited for at the end of a stage: it writes down itself when it was there.

    Args:
        device: Device that does the work.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._start = time.perf_counter()
        self._stages: list[str] = []
        self._marks: list[float | torch.cuda.Event] = [self._mark()]

    def lap(self, stage: str) -> None:
        """Let a stage end that began where the last one ended."""
        self._stages.append(stage)
        self._marks.append(self._mark())

    def read(self) -> Timing:
        """Return the seconds of all stages, once they are done: a GPU is waited for.

        What the CPU did after the GPU had finished counts for the last stage.
        """
        if isinstance(self._marks[-1], torch.cuda.Event):
            self._marks[-1].synchronize()
        seconds: dict[str, float] = {}
        for stage, (start, end) in zip(self._stages, pairwise(self._marks), strict=True):
            seconds[stage] = seconds.get(stage, 0.0) + _seconds_between(start, end)
        if self._device.type == 'cuda' and self._stages:
            rest = time.perf_counter() - self._start - sum(seconds.values())
            seconds[self._stages[-1]] += max(rest, 0.0)
        return Timing(**seconds)

    def _mark(self) -> float | torch.cuda.Event:
        if self._device.type != 'cuda':
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event


def _seconds_between(start: float | torch.cuda.Event, end: float | torch.cuda.Event) -> float:
    if isinstance(start, float) and isinstance(end, float):
        return end - start
    return float(start.elapsed_time(end)) / 1000  # type: ignore[union-attr,arg-type]
