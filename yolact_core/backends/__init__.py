"""Runtimes that turn images into predictions."""

from yolact_core.backends.backend import Backend
from yolact_core.backends.torch import TorchBackend, resolve_device, resolve_precision

__all__ = ['Backend', 'TorchBackend', 'resolve_device', 'resolve_precision']
