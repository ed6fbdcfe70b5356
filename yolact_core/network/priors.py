"""The priors, which others call anchors (YOLACT, section 4)."""

import numpy as np
import torch
from torch import Tensor

from yolact_core.config import AnchorConfig


def make_priors(anchors: AnchorConfig, level_sizes: list[int], input_size: int) -> Tensor:
    """Lay out all priors in the order level, row, column, scale, aspect ratio.

    Args:
        anchors: Scales and aspect ratios.
        level_sizes: Cells along a side of each pyramid level.
        input_size: Side of the input that the scales are pixels of.

    Returns:
        Centre form (cx, cy, w, h) as fractions of the image, shape (A, 4), float32.
    """
    levels = []
    for cells, scales in zip(level_sizes, anchors.scales, strict=True):
        centres = (np.arange(cells) + 0.5) / cells
        sides = np.array(
            [
                (scale * ratio**0.5, scale * (ratio if anchors.square else 1 / ratio) ** 0.5)
                for scale in scales
                for ratio in anchors.aspect_ratios
            ]
        )
        level = np.empty((cells, cells, len(sides), 4))
        level[..., 0] = centres[None, :, None]
        level[..., 1] = centres[:, None, None]
        level[..., 2:] = sides / input_size
        levels.append(level.reshape(-1, 4))
    return torch.from_numpy(np.concatenate(levels).astype(np.float32))
