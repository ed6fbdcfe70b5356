"""Where the time of an image goes."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import astuple, dataclass, fields
from math import nan
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from yolact_core.timing import Timing

KEPT = 300  # images over which latencies are summarized


@dataclass(frozen=True)
class StageTimes:
    """Seconds that one image spent in each stage, as in ``StageTiming``; NaN where unknown."""

    age_at_receive: float = nan
    wait: float = nan
    decode: float = nan
    preprocess: float = nan
    inference: float = nan
    postprocess: float = nan
    encode: float = nan
    total: float = nan

    @classmethod
    def around(cls, timing: Timing, **others: float) -> StageTimes:
        """Return the times of the detector, and of the stages before and after it by name."""
        return cls(
            preprocess=timing.preprocess,
            inference=timing.network,
            postprocess=timing.nms + timing.masks,
            **others,
        )


@dataclass(frozen=True)
class Spread:
    """Median, 95th percentile and maximum of the durations of one stage, seconds."""

    p50: float
    p95: float
    max: float


class Latencies:
    """The latest stage times. Written by the worker, read for diagnostics."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: deque[tuple[float, ...]] = deque(maxlen=KEPT)

    def add(self, times: StageTimes) -> None:
        """Remember the times of one image."""
        with self._lock:
            self._rows.append(astuple(times))

    def summarize(self) -> dict[str, Spread]:
        """Return the spread of each stage that was measured; ages only of images with a stamp."""
        with self._lock:
            rows = np.array(self._rows, dtype=np.float64).reshape(-1, len(fields(StageTimes)))
        spreads = {}
        for field, column in zip(fields(StageTimes), rows.T, strict=True):
            known = column[np.isfinite(column)]
            if known.size:
                p50, p95 = np.percentile(known, [50, 95]).tolist()
                spreads[field.name] = Spread(p50, p95, float(known.max()))
        return spreads
