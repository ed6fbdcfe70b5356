"""From images to what the network takes, on a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from yolact_core.config import ModelConfig


class DevicePreprocessor:
    """Uploads images as bytes, and stretches and normalizes them on the device.

    Its memory on both sides is used again, so the device must have been waited for before the
    next call.

    Args:
        config: Says the size and how to normalize.
        device: Where the result is wanted.
    """

    def __init__(self, config: ModelConfig, device: torch.device) -> None:
        self._device = device
        self._side = config.input_size
        self._mean, self._std = (
            torch.tensor(values).view(3, 1, 1).to(device) for values in (config.mean, config.std)
        )
        self._pinned = torch.empty(0, dtype=torch.uint8)
        self._bytes = torch.empty(0, dtype=torch.uint8, device=device)
        self._inputs = torch.empty(0, device=device)

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Return what the network takes; the next call overwrites it.

        Args:
            images: RGB, each of shape (H, W, 3).

        Returns:
            Shape (B, 3, S, S), channels-last in memory.
        """
        self._make_room(sum(rgb.size for rgb in images), len(images))
        start = 0
        for rgb, destination in zip(images, self._inputs, strict=True):
            place = slice(start, start + rgb.size)
            np.copyto(self._pinned[place].numpy().reshape(rgb.shape), rgb)
            start += rgb.size
            self._bytes[place].copy_(self._pinned[place], non_blocking=True)
            image = self._bytes[place].view(rgb.shape).permute(2, 0, 1).unsqueeze(0).float()
            size = (self._side, self._side)
            resized = F.interpolate(image, size, mode='bilinear', align_corners=False)
            torch.sub(resized.squeeze(0), self._mean, out=destination).div_(self._std)
        return self._inputs

    def _make_room(self, size: int, count: int) -> None:
        if len(self._pinned) < size:
            is_cuda = self._device.type == 'cuda'
            self._pinned = torch.empty(size, dtype=torch.uint8, pin_memory=is_cuda)
            self._bytes = torch.empty(size, dtype=torch.uint8, device=self._device)
        if len(self._inputs) != count:
            shape = (count, 3, self._side, self._side)
            self._inputs = torch.empty(
                shape, device=self._device, memory_format=torch.channels_last
            )
