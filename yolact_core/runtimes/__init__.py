"""Runtimes that turn images into predictions: PyTorch, and those that run exported files.

``table.py`` lists them. All of them offer what ``Backend`` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    import torch
    from torch import Tensor

    from yolact_core.config import ModelConfig
    from yolact_core.network import Prediction
    from yolact_core.network.candidates import Candidates


class Backend(Protocol):
    """Runs one model on one device, and knows all that a detector needs to know of it.

    ``rescore`` is called only if ``config.mask_rescoring``: a backend that cannot do it refuses
    such a model when it is loaded.
    """

    @property
    def name(self) -> str:
        """Name that ``Detector.load(backend=...)`` takes."""
        ...

    @property
    def precision(self) -> str:
        """Precision of the arithmetic, such as ``float32``."""
        ...

    @property
    def device(self) -> torch.device:
        """Device that images are on and predictions come out on."""
        ...

    @property
    def config(self) -> ModelConfig:
        """Configuration that shapes the model."""
        ...

    @property
    def digest(self) -> str:
        """The sha256 of the weights that the model was made of, in hexadecimal."""
        ...

    @property
    def priors(self) -> Tensor:
        """Priors in centre form (cx, cy, w, h), fractions of the image, shape (A, 4)."""
        ...

    def prepare(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Return what ``__call__`` takes, on ``device``; the next call may overwrite it.

        Args:
            images: RGB images of any sizes, each of shape (H, W, 3).
        """
        ...

    def __call__(self, images: Tensor) -> Prediction | Candidates:
        """Predict in float32; the next call may overwrite what this one returned.

        Args:
            images: Images as ``prepare`` returns them.
        """
        ...

    def rescore(self, masks: Tensor) -> Tensor:
        """Predict how well masks overlap their objects.

        Args:
            masks: Cropped soft masks in [0, 1] at prototype resolution, shape (N, Hp, Wp).

        Returns:
            Predicted mask IoU for every class, shape (N, C).
        """
        ...
