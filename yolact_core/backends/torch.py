"""PyTorch as the runtime, on a CPU or a CUDA device."""

from __future__ import annotations

import torch
from torch import Tensor

from yolact_core.errors import InputError
from yolact_core.network import Prediction, Yolact

PRECISIONS = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


class TorchBackend:
    """Runs a network where its weights are, in channels-last memory format.

    Args:
        network: In evaluation mode.
        precision: ``float32``, or ``bfloat16`` or ``float16`` by autocast.
    """

    def __init__(self, network: Yolact, precision: str = 'float32') -> None:
        self._network = network.to(memory_format=torch.channels_last)
        self._dtype = PRECISIONS[precision]

    @property
    def device(self) -> torch.device:
        """Where predictions come out."""
        return self._network.priors.device

    def __call__(self, images: Tensor) -> Prediction:
        """Predict in float32.

        Args:
            images: Normalized, on ``device``, shape (B, 3, S, S), any memory format.
        """
        is_reduced = self._dtype != torch.float32
        with torch.autocast(self.device.type, dtype=self._dtype, enabled=is_reduced):
            prediction = self._network(images)
        return Prediction(*(output.float() for output in prediction))


def resolve_device(name: str) -> torch.device:
    """Return the device that a name stands for; ``auto`` is CUDA where it works, else the CPU.

    Raises:
        InputError: The name is unknown, or there is no such device here.
    """
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f'device must be auto, cpu, cuda or cuda:N, got {name!r}') from None
    if device.type not in ('cpu', 'cuda'):
        raise InputError(f'device must be auto, cpu, cuda or cuda:N, got {name!r}')
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f'device must be present, got {name!r} and {torch.cuda.device_count()} CUDA devices; '
            '"yolact doctor" tells more'
        )
    return device


def resolve_precision(name: str) -> str:
    """Return the precision that a name stands for; ``auto`` is float32.

    Raises:
        InputError: The name is unknown.
    """
    if name == 'auto':
        return 'float32'
    if name not in PRECISIONS:
        raise InputError(f'precision must be one of auto, {", ".join(PRECISIONS)}, got {name!r}')
    return name
