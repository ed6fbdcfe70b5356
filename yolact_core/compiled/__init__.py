"""Inner loops in C, if a compiler was there at installation; else NumPy and OpenCV do it."""

from __future__ import annotations

from types import ModuleType

kernels: ModuleType | None
try:
    from yolact_core.compiled import _kernels as kernels
except ImportError:
    kernels = None

__all__ = ['kernels']
