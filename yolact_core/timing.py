"""Where the time of a detection goes."""

from __future__ import annotations

import time
from dataclasses import dataclass

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
    """Adds up the seconds of each stage, waiting for the device at the end of each.

    Args:
        device: That works.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Add the time since the last lap to a stage."""
        if self._device.type == 'cuda':
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now
