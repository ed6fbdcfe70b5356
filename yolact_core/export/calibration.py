"""Images that show what ranges a network's values usually have."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from yolact_core.config import ModelConfig
from yolact_core.errors import InputError
from yolact_core.inference.preprocessing import Preprocessor
from yolact_core.media.image_files import read_image

SUFFIXES = frozenset(('.jpg', '.jpeg', '.png', '.bmp', '.webp'))
MOST = 300  # images, evenly from the folder: more change little


def read_calibration(folder: Path, config: ModelConfig) -> list[Tensor]:
    """Return images as the network takes them, each of shape (1, 3, S, S).

    Args:
        folder: Images of what the robot sees, at any depth; 100 to 300 are enough.
        config: Says the size and how to normalize.

    Raises:
        InputError: There is no image in the folder, or one cannot be read.
    """
    paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise InputError(f'calibration folder must hold images, got none in {str(folder)!r}')
    step = max(1, -(-len(paths) // MOST))
    preprocess = Preprocessor(config)
    return [preprocess([read_image(path)]).clone() for path in paths[::step]]


def make_noise(config: ModelConfig) -> list[Tensor]:
    """Return one image of noise, of shape (1, 3, S, S), to compare float32 graphs on."""
    side = config.input_size
    return [torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))]
