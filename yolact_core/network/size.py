"""How large a network would be, told before memory is taken for it."""

from __future__ import annotations

import torch
from torch import nn

from yolact_core.config import PYRAMID_LEVELS, ModelConfig
from yolact_core.errors import InputError
from yolact_core.network.heads import MaskRescoring, PredictionHead, Protonet
from yolact_core.network.pyramids import PYRAMIDS

MOST_WEIGHTS = 2**28  # besides those of the backbone, which has a size of its own


def check_size(config: ModelConfig) -> None:
    """Refuse a configuration of a giant, such as a damaged file may ask for.

    Raises:
        InputError: The network would have too many weights.
    """
    width = config.feature_channels
    with torch.device('meta'):  # where weights take no memory
        parts: list[nn.Module] = [
            PYRAMIDS[config.pyramid]((width,) * len(config.backbone.stages), width),
            Protonet(width, config.prototypes, config.protonet),
        ]
        if config.mask_rescoring:
            parts.append(MaskRescoring(len(config.class_names)))
        for head in config.heads:
            levels = 1 if head.shared else PYRAMID_LEVELS[config.pyramid]
            parts += levels * [PredictionHead(config, head)]
    weights = sum(weight.numel() for part in parts for weight in part.parameters())
    if weights > MOST_WEIGHTS:
        raise InputError(
            f'configuration {config.name!r}: network must have at most {MOST_WEIGHTS} weights '
            f'besides its backbone, got {weights}'
        )
