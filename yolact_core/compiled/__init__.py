"""Inner loops in C, if a compiler was there at installation; others do the same without."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

kernels: ModuleType | None  # its functions are described in kernels.c
try:
    kernels = import_module('yolact_core.compiled._kernels')
except ImportError:
    kernels = None

__all__ = ['kernels']
