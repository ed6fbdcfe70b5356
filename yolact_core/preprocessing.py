"""From an image to what the network takes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from yolact_core.errors import InputError
from yolact_core.network import Yolact


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


def preprocess(rgb: npt.NDArray[np.uint8], network: Yolact, device: torch.device) -> Tensor:
    """Stretch an image to the network's square input and normalize it.

    The image becomes float before it is resized (bilinear, half-pixel centres, no anti-aliasing),
    as in training: resizing bytes would round.

    Args:
        rgb: Shape (H, W, 3).
        network: Says the size and how to normalize.
        device: Where the result is wanted.

    Returns:
        Shape (3, S, S), channels-last in memory.
    """
    side = network.config.input_size
    if device.type == 'cuda':
        image = torch.from_numpy(np.ascontiguousarray(rgb)).to(device).permute(2, 0, 1).float()
        image = F.interpolate(
            image.unsqueeze(0), (side, side), mode='bilinear', align_corners=False
        )
        return network.normalize(image.squeeze(0))
    resized = cv2.resize(rgb.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    return network.normalize(torch.from_numpy(resized).permute(2, 0, 1))
