"""What a runtime has to offer."""

from typing import Protocol

import torch
from torch import Tensor

from yolact_core.network import Prediction


class Backend(Protocol):
    """Runs one network on one device."""

    @property
    def device(self) -> torch.device:
        """Where predictions come out."""
        ...

    def __call__(self, images: Tensor) -> Prediction:
        """Predict in float32.

        Args:
            images: Normalized, on ``device``, shape (B, 3, S, S), any memory format.
        """
        ...
