"""Runtimes that turn images into predictions."""

from yolact_core.runtimes.backend import Backend
from yolact_core.runtimes.torch import COMPILED, TorchBackend, resolve_device, resolve_precision

__all__ = ['COMPILED', 'Backend', 'TorchBackend', 'resolve_device', 'resolve_precision']
