"""From images to what the network takes, on a CPU."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from yolact_core.config import ModelConfig
from yolact_core.errors import InputError
from yolact_core.threads import single_thread


def check_image(rgb: npt.NDArray[np.uint8]) -> None:
    """Refuse what is not an image.

    Raises:
        InputError: It is not an array (H, W, 3) of uint8 with at least one pixel.
    """
    if not isinstance(rgb, np.ndarray):
        raise InputError(f'image must be a numpy array, got {type(rgb).__name__}')
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise InputError(
            f'image must be (height, width, 3) uint8 and not empty, got {rgb.shape} {rgb.dtype}'
        )


class Preprocessor:
    """Stretches images to the network's square input and normalizes them.

    Images become float before they are resized (bilinear, half-pixel centres, no anti-aliasing),
    as in training: resizing bytes would round.

    Args:
        config: Says the size and how to normalize.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._side = config.input_size
        # A row of pixels is one long row of channels, and so are its constants.
        mean, std = torch.tensor(config.mean), torch.tensor(config.std)
        self._scale = (1 / std).repeat(self._side)
        self._shift = (-mean / std).repeat(self._side)
        self._floats = np.empty(0, dtype=np.float32)
        self._inputs = np.empty((0, self._side, self._side, 3), dtype=np.float32)

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Return what the network takes.

        Args:
            images: RGB, each of shape (H, W, 3).

        Returns:
            Shape (B, 3, S, S), channels-last in memory. The next call overwrites it: fresh memory
            would cost more than the work.
        """
        if len(self._inputs) != len(images):
            self._inputs = np.empty((len(images), *self._inputs.shape[1:]), dtype=np.float32)
        for rgb, destination in zip(images, self._inputs, strict=True):
            self._fill(rgb, destination)
        return torch.from_numpy(self._inputs).permute(0, 3, 1, 2)

    def _fill(self, rgb: npt.NDArray[np.uint8], destination: npt.NDArray[np.float32]) -> None:
        if self._floats.size < rgb.size:
            self._floats = np.empty(rgb.size, dtype=np.float32)
        floats = self._floats[: rgb.size].reshape(rgb.shape)
        np.copyto(floats, rgb)
        size = (self._side, self._side)
        cv2.resize(floats, size, dst=destination, interpolation=cv2.INTER_LINEAR)
        pixel_rows = torch.from_numpy(destination).view(self._side, -1)
        with single_thread():
            torch.addcmul(self._shift, pixel_rows, self._scale, out=pixel_rows)
