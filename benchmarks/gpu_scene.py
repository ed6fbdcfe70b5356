"""What the checks on a GPU share: a network and an image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from yolact_core import Yolact, build_network
from yolact_core.inference.preprocessing import Preprocessor

IMAGE_SIZE = (480, 640)
CANDIDATES = 300
THRESHOLD = 0.05
STEPS = 30  # of bisection


def make_image() -> npt.NDArray[np.uint8]:
    """Return a smooth colourful picture."""
    coarse = torch.rand(1, 3, 9, 12, generator=torch.Generator().manual_seed(0)) * 255
    image = F.interpolate(coarse, IMAGE_SIZE, mode='bilinear')[0].permute(1, 2, 0)
    return image.byte().contiguous().numpy()


@torch.no_grad()
def make_network(image: npt.NDArray[np.uint8], name: str = 'yolact_base') -> Yolact:
    """Return a network with random weights that finds so many candidates in an image."""
    torch.manual_seed(0)
    network = build_network(name)
    network.get_parameter('prediction_layers.0.conf_layer.weight').mul_(6)
    logits = network(Preprocessor(network.config)([image])).class_logits[0]
    low, high = -100.0, 100.0
    for _ in range(STEPS):
        shift = (low + high) / 2
        background = torch.zeros_like(logits)
        background[:, 0] = shift
        best_scores = (logits + background).softmax(dim=1)[:, 1:].amax(dim=1)
        if int((best_scores > THRESHOLD).sum()) > CANDIDATES:
            low = shift
        else:
            high = shift
    bias = network.get_parameter('prediction_layers.0.conf_layer.bias')
    bias.view(-1, logits.shape[1])[:, 0] += high
    return network
