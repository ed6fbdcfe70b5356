"""Models of a process that does many parts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from yolact_core.detector import Detector


@lru_cache(maxsize=4)
def load_once(source: str, **options: Any) -> Detector:  # noqa: ANN401
    """Return a detector; the next part finds it loaded."""
    return Detector.load(source, **options)
