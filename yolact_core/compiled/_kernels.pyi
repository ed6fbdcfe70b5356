"""Types of ``kernels.c``, where each function says what it does."""

from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]

def may_score(logits: Array, threshold: float, has_background: bool, found: Array, /) -> None: ...
def trace_masks(
    soft_masks: Array,
    bounds: Array,
    spans: Array,
    rows: tuple[Array, Array, Array],
    width: int,
    found: tuple[Array, Array, Array],
    /,
) -> bytes: ...
def fill_runs(run_lengths: Array, mask: Array, /) -> int: ...
def tint(
    image: Array,
    dimmed: Array,
    mask: tuple[Array, tuple[int, int]],
    share: tuple[int, int, int],
    color: tuple[int, int, int],
    thickness: int,
    /,
) -> None: ...
