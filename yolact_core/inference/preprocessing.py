"""From images to the input of the network, on a CPU and on a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from yolact_core.config import ModelConfig
from yolact_core.errors import InputError
from yolact_core.threads import single_thread


def check_image(rgb: npt.NDArray[np.uint8]) -> None:
    """Refuse anything that is not an image.

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
        config: Configuration with input size, mean and deviation.
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
        """Return the input of the network.

        Args:
            images: RGB images, each of shape (H, W, 3).

        Returns:
            Normalized images, shape (B, 3, S, S), channels-last in memory. The next call
            overwrites them: fresh memory would cost more than the work.
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


class DevicePreprocessor:
    """Uploads images as bytes, and stretches and normalizes them on the device.

    Its memory on both sides is reused: wait for the device before the next call.

    Args:
        config: Configuration with input size, mean and deviation.
        device: Device of the network.
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
        """Return the input of the network; the next call overwrites it.

        Args:
            images: RGB images, each of shape (H, W, 3).

        Returns:
            Normalized images, shape (B, 3, S, S), channels-last in memory.
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
