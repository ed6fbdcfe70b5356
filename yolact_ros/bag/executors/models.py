"""Models that a process keeps loaded for its next job."""

from __future__ import annotations

from typing import Any

from yolact_core.detector import Detector

_detectors: dict[str, Detector] = {}  # by source and options


def load_once(source: str, **options: Any) -> Detector:  # noqa: ANN401 - of any type
    """Return a detector as ``Detector.load`` does; the next job finds it loaded."""
    key = _key(source, options)
    if key not in _detectors:
        _detectors[key] = Detector.load(source, **options)
    return _detectors[key]


def keep_loaded(detector: Detector, source: str, **options: Any) -> None:  # noqa: ANN401 - of any type
    """Let jobs in this process find a detector loaded, if they ask for it by this description."""
    _detectors[_key(source, options)] = detector


def unload() -> None:
    """Drop all models."""
    _detectors.clear()


def _key(source: str, options: dict[str, Any]) -> str:
    return repr((source, sorted(options.items())))
