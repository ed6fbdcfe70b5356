"""The whole network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from yolact_core.config import ModelConfig
from yolact_core.errors import InputError
from yolact_core.network.backbones import build_backbone
from yolact_core.network.boxes import level_sizes, make_priors
from yolact_core.network.heads import (
    EXTRA_LEVELS,
    FeaturePyramid,
    MaskRescoring,
    PredictionHead,
    Protonet,
)


class Prediction(NamedTuple):
    """Raw outputs for a batch of images, before decoding and NMS.

    Attributes:
        box_offsets: Boxes encoded against the priors, shape (B, A, 4).
        class_logits: Class logits, background first, shape (B, A, C + 1).
        coefficients: Mask coefficients in [-1, 1], shape (B, A, K).
        prototypes: Non-negative prototype masks, shape (B, K, Hp, Wp).
    """

    box_offsets: Tensor
    class_logits: Tensor
    coefficients: Tensor
    prototypes: Tensor


class Yolact(nn.Module):
    """YOLACT (Bolya et al., ICCV 2019) and YOLACT++ (TPAMI 2020).

    Submodules are named as in the official checkpoints, which then load without a translation.

    Args:
        config: Configuration of the network.
    """

    priors: Tensor  # (A, 4) cx cy w h, fractions of the image
    mean: Tensor  # (3, 1, 1) of red, green and blue in [0, 255]
    std: Tensor  # (3, 1, 1)

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        channels, classes = config.feature_channels, len(config.class_names)
        head = PredictionHead(channels, config.anchors.per_cell, classes, config.prototypes)
        self.backbone = build_backbone(config.backbone)
        self.fpn = FeaturePyramid(self.backbone.channels, channels)
        self.proto_net = Protonet(channels, config.prototypes)
        self.prediction_layers = nn.ModuleList([head])
        self.semantic_seg_conv = nn.Conv2d(channels, classes, 1)  # used in training only
        self.maskiou_net = MaskRescoring(classes) if config.mask_rescoring else None
        for part in (self.fpn, self.proto_net, head, self.semantic_seg_conv, self.maskiou_net):
            _initialise(part)

        cells = level_sizes(config.input_size, self.backbone.strides)
        priors = make_priors(config.anchors, cells, config.input_size)
        self.register_buffer('priors', priors, persistent=False)
        self.register_buffer('mean', torch.tensor(config.mean).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(config.std).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Prediction:
        """Predict boxes, classes, mask coefficients and prototypes.

        Args:
            images: Normalized images (see ``normalize``), shape (B, 3, S, S).
        """
        return self.predict(self.pyramid(images))

    def normalize(self, images: Tensor) -> Tensor:
        """Normalize images for the network.

        Args:
            images: RGB images in [0, 255], float, shape (B, 3, S, S).
        """
        return (images - self.mean) / self.std

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """Return the features P3 to P7 of normalized images, each (B, channels, H, W)."""
        levels: list[Tensor] = self.fpn(self.backbone(images))
        return levels

    def predict(self, levels: list[Tensor]) -> Prediction:
        """Predict from the features P3 to P7."""
        (head,) = self.prediction_layers
        per_level = [head(level) for level in levels]
        box_offsets, class_logits, coefficients = (
            torch.cat(outputs, dim=1) for outputs in zip(*per_level, strict=True)
        )
        return Prediction(box_offsets, class_logits, coefficients, self.proto_net(levels[0]))

    def rescore(self, masks: Tensor) -> Tensor:
        """Predict how well masks overlap their objects, if ``config.mask_rescoring``.

        Args:
            masks: Cropped soft masks in [0, 1] at prototype resolution, shape (N, Hp, Wp).

        Returns:
            Predicted mask IoU for every class, shape (N, C).
        """
        if self.maskiou_net is None:
            return masks.new_ones(len(masks), len(self.config.class_names))
        iou: Tensor = self.maskiou_net(masks)
        return iou

    def load_official(self, state_dict: Mapping[str, Tensor]) -> None:
        """Load the weights of an official checkpoint.

        Args:
            state_dict: Weights under their official names. Leftovers in old files are ignored.

        Raises:
            InputError: A key is missing, unknown, or of another shape; the text names it.
        """
        weights = {key: value for key, value in state_dict.items() if not _is_leftover(key)}
        check_weights(weights, self.state_dict())
        self.load_state_dict(weights)


def build_network(config: str | ModelConfig) -> Yolact:
    """Build a network with random weights, in evaluation mode.

    Args:
        config: Configuration or its name, such as ``yolact_resnet50``.

    Raises:
        InputError: The name is unknown or the configuration contradicts itself.
    """
    if isinstance(config, str):
        config = ModelConfig.from_name(config)
    return Yolact(config).eval()


def resize_network(network: Yolact, input_size: int) -> Yolact:
    """Return a network with the same weights for another input size.

    Priors keep the size in input pixels that the weights were trained with, so a larger input
    finds smaller objects. This does not replace training at that size, as the paper did for its
    400 and 700 pixels (section 6).

    Args:
        network: Network whose weights are used.
        input_size: Side of the new input in pixels.

    Raises:
        InputError: The input size is too small.
    """
    config = network.config
    name = f'{config.name}_{input_size}' if input_size != config.input_size else config.name
    resized = build_network(config.replace(name=name, input_size=input_size))
    resized.load_state_dict(network.state_dict())
    return resized.to(network.priors.device)


def check_weights(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Refuse weights that do not fit a network.

    Args:
        weights: Weights by name.
        expected: Weights that the network has now.

    Raises:
        InputError: A key is missing, unknown, or of another shape; the text names it.
    """
    problems = {
        'misses': sorted(set(expected) - set(weights)),
        'also has': sorted(set(weights) - set(expected)),
        'has other shapes for': [
            f'{key} {tuple(weights[key].shape)} instead of {tuple(expected[key].shape)}'
            for key in sorted(set(expected) & set(weights))
            if weights[key].shape != expected[key].shape
        ],
    }
    found = [f'it {verb} {_list_some(keys)}' for verb, keys in problems.items() if keys]
    if found:
        raise InputError(f'weights must fit the network, but {"; ".join(found)}')


def _list_some(keys: list[str], most: int = 3) -> str:
    more = f' and {len(keys) - most} more' if len(keys) > most else ''
    return ', '.join(keys[:most]) + more


def _is_leftover(key: str) -> bool:
    if key.startswith('fpn.downsample_layers.'):
        return int(key.split('.')[2]) >= EXTRA_LEVELS
    return key.startswith('backbone.layer') and not key.startswith('backbone.layers')


def _initialise(part: nn.Module | None) -> None:
    """Initialise convolutions as the original does: Xavier uniform weights and zero biases."""
    for module in part.modules() if part is not None else ():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
