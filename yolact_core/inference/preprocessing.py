"""From images to the input of a network, on a CPU and on a GPU.

Networks in PyTorch take normalized floats, exactly as in training. Exported graphs take bytes and
normalize them themselves: resizing bytes rounds, by half a grey level, and is faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

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


class BytePreprocessor:
    """Stretches images to the square input of graphs that normalize them themselves.

    Args:
        config: Configuration with the input size.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._side = config.input_size
        self._inputs = np.empty((0, self._side, self._side, 3), dtype=np.uint8)

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Return the input of the graph; the next call overwrites it.

        Args:
            images: RGB images, each of shape (H, W, 3).

        Returns:
            Bytes, shape (B, S, S, 3).
        """
        if len(self._inputs) != len(images):
            self._inputs = np.empty((len(images), *self._inputs.shape[1:]), dtype=np.uint8)
        for rgb, destination in zip(images, self._inputs, strict=True):
            size = (self._side, self._side)
            cv2.resize(rgb, size, dst=destination, interpolation=cv2.INTER_LINEAR)
        return torch.from_numpy(self._inputs)


class Normalizer(nn.Module):
    """Turns bytes into the input of a network, where a graph does it or PyTorch stands in for one.

    Args:
        config: Configuration with mean and deviation.
    """

    mean: Tensor  # (3, 1, 1) of red, green and blue in [0, 255]
    std: Tensor  # (3, 1, 1)

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.register_buffer('mean', torch.tensor(config.mean).view(3, 1, 1))
        self.register_buffer('std', torch.tensor(config.std).view(3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return normalized images, shape (B, 3, S, S).

        Args:
            images: RGB bytes, shape (B, S, S, 3).
        """
        floats = images.float()  # first, since TensorRT can do nothing else with bytes
        return (floats.permute(0, 3, 1, 2) - self.mean) / self.std


class DevicePreprocessor:
    """Uploads images as bytes, and stretches and normalizes them on the device.

    Its memory on both sides is reused: wait for the device before the next call.

    Args:
        config: Configuration with input size, mean and deviation.
        device: Device of the network.
    """

    def __init__(self, config: ModelConfig, device: torch.device) -> None:
        self._stretch = _DeviceStretcher(config.input_size, device)
        self._mean, self._std = (
            torch.tensor(values).view(3, 1, 1).to(device) for values in (config.mean, config.std)
        )
        self._inputs = torch.empty(0, 3, config.input_size, config.input_size, device=device)

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Return the input of the network; the next call overwrites it.

        Args:
            images: RGB images, each of shape (H, W, 3).

        Returns:
            Normalized images, shape (B, 3, S, S), channels-last in memory.
        """
        if len(self._inputs) != len(images):
            self._inputs = torch.empty(
                (len(images), *self._inputs.shape[1:]),
                device=self._inputs.device,
                memory_format=torch.channels_last,
            )
        for stretched, destination in zip(self._stretch(images), self._inputs, strict=True):
            torch.sub(stretched, self._mean, out=destination).div_(self._std)
        return self._inputs


class DeviceBytePreprocessor:
    """Uploads images and stretches them on the device, for graphs that normalize them themselves.

    Its memory on both sides is reused: wait for the device before the next call.

    Args:
        config: Configuration with the input size.
        device: Device of the graph.
    """

    def __init__(self, config: ModelConfig, device: torch.device) -> None:
        self._side = config.input_size
        self._stretch = _DeviceStretcher(config.input_size, device)
        self._inputs = torch.empty(0, dtype=torch.uint8, device=device)

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Return the input of the graph, (B, S, S, 3); the next call overwrites it.

        Args:
            images: RGB images, each of shape (H, W, 3).
        """
        if len(self._inputs) != len(images):
            self._inputs = self._inputs.new_empty(len(images), self._side, self._side, 3)
        for stretched, destination in zip(self._stretch(images), self._inputs, strict=True):
            destination.copy_(stretched.round_().permute(1, 2, 0))
        return self._inputs


class _DeviceStretcher:
    """Uploads images as bytes and stretches them, into memory that is used again.

    Args:
        side: Side of the input in pixels.
        device: Device that they are uploaded to.
    """

    def __init__(self, side: int, device: torch.device) -> None:
        self._size = (side, side)
        self._is_cuda = device.type == 'cuda'
        self._pinned = torch.empty(0, dtype=torch.uint8)
        self._bytes = torch.empty(0, dtype=torch.uint8, device=device)

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]]) -> Iterator[Tensor]:
        """Yield each image on the device, float in [0, 255], shape (3, S, S)."""
        size = sum(rgb.size for rgb in images)
        if len(self._pinned) < size:
            self._pinned = torch.empty(size, dtype=torch.uint8, pin_memory=self._is_cuda)
            self._bytes = self._bytes.new_empty(size)
        start = 0
        for rgb in images:
            place = slice(start, start + rgb.size)
            np.copyto(self._pinned[place].numpy().reshape(rgb.shape), rgb)
            start += rgb.size
            self._bytes[place].copy_(self._pinned[place], non_blocking=True)
            image = self._bytes[place].view(rgb.shape).permute(2, 0, 1).unsqueeze(0).float()
            yield F.interpolate(image, self._size, mode='bilinear', align_corners=False)[0]
