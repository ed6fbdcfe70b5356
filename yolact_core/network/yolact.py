"""The whole network."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from yolact_core.config import PYRAMID_LEVELS, HeadConfig, ModelConfig
from yolact_core.network.backbones import build_backbone
from yolact_core.network.boxes import level_sizes, make_priors
from yolact_core.network.heads import MaskRescoring, PredictionHead, Protonet, mean_distances
from yolact_core.network.pyramids import PYRAMIDS
from yolact_core.network.size import check_size


class Prediction(NamedTuple):
    """Raw outputs for a batch of images, before decoding and NMS.

    Attributes:
        box_offsets: Boxes encoded against the priors by ``box_coding``, shape (B, A, 4).
        class_logits: Class logits, of a softmax background first, shape (B, A, C + 1), of sigmoids
            without, shape (B, A, C).
        coefficients: Mask coefficients in [-1, 1], shape (B, A, K).
        prototypes: Non-negative prototype masks, shape (B, K, Hp, Wp).
    """

    box_offsets: Tensor
    class_logits: Tensor
    coefficients: Tensor
    prototypes: Tensor

    def pick_priors(self, priors: Tensor) -> Tensor:
        """Return the priors that the prediction is for: all."""
        return priors


class Features(NamedTuple):
    """What the heads work on.

    Attributes:
        levels: Levels of the pyramid, from P3, each (B, channels, H, W).
        detail: Finer features that sharpen the prototypes; None: the configuration wants none.
    """

    levels: list[Tensor]
    detail: Tensor | None


class Yolact(nn.Module):
    """YOLACT (Bolya et al., ICCV 2019) and YOLACT++ (TPAMI 2020).

    Submodules are named as in the official checkpoints, which then load without a translation.

    Args:
        config: Configuration of the network.

    Attributes:
        ranges: What ``yolact_core.quantization.measure_ranges`` found, which int8 needs; empty:
            nothing was measured.
    """

    ranges: dict[str, Tensor]
    priors: Tensor  # (A, 4) cx cy w h, fractions of the image
    mean: Tensor  # (3, 1, 1) of red, green and blue in [0, 255]
    std: Tensor  # (3, 1, 1)
    class_outputs: Tensor | None  # (most outputs of a class, all outputs, C), ones and zeros

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.ranges = {}
        channels, classes = config.feature_channels, len(config.class_names)
        stages = config.backbone.stages
        detail = config.protonet.detail_stage
        wanted = stages if detail is None else (detail, *stages)
        heads = [self._build_head(head) for head in config.heads]
        self.backbone = build_backbone(replace(config.backbone, stages=wanted))
        self.fpn = PYRAMIDS[config.pyramid](self.backbone.channels[-len(stages) :], channels)
        self.proto_net = Protonet(channels, config.prototypes, config.protonet)
        self.proto_detail = (
            None
            if detail is None
            else nn.Conv2d(self.backbone.channels[0], config.protonet.channels or channels, 1)
        )
        self.prediction_layers = nn.ModuleList(heads)
        self.semantic_seg_conv = nn.Conv2d(channels, classes, 1)  # used in training only
        self.maskiou_net = MaskRescoring(classes) if config.mask_rescoring else None
        for part in (
            self.fpn, self.proto_net, self.proto_detail, self.prediction_layers,
            self.semantic_seg_conv, self.maskiou_net,
        ):  # fmt: skip
            _initialise(part)

        strides = self.backbone.strides[-len(stages) :]
        cells = level_sizes(config.input_size, strides, PYRAMID_LEVELS[config.pyramid])
        priors = make_priors(config.anchors, cells, config.input_size)
        self.register_buffer('priors', priors, persistent=False)
        self.register_buffer('mean', torch.tensor(config.mean).view(3, 1, 1), persistent=False)
        self.register_buffer('class_outputs', _pick_outputs(config), persistent=False)
        self.register_buffer('std', torch.tensor(config.std).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Prediction:
        """Predict boxes, classes, mask coefficients and prototypes.

        Args:
            images: Normalized images (see ``normalize``), shape (B, 3, S, S).
        """
        return self.predict(self.extract(images))

    def normalize(self, images: Tensor) -> Tensor:
        """Normalize images for the network.

        Args:
            images: RGB images in [0, 255], float, shape (B, 3, S, S).
        """
        return (images - self.mean) / self.std

    def extract(self, images: Tensor) -> Features:
        """Return what the heads work on, of normalized images."""
        stages: list[Tensor] = self.backbone(images)
        detail = None if self.proto_detail is None else stages.pop(0)
        return Features(self.fpn(stages), detail)

    def predict(self, features: Features) -> Prediction:
        """Predict from what ``extract`` returns."""
        boxes, class_outputs, coefficients = self._join_heads(features.levels)
        if self.config.box_coding == 'distances':
            boxes = mean_distances(boxes)
        detail = None if self.proto_detail is None else self.proto_detail(features.detail)
        prototypes = self.proto_net(features.levels[0], detail)
        return Prediction(
            boxes, self._join_outputs(class_outputs), coefficients.tanh(), prototypes
        )

    def _build_head(self, head: HeadConfig) -> nn.Module:
        if head.shared:
            return PredictionHead(self.config, head)
        levels = PYRAMID_LEVELS[self.config.pyramid]
        return nn.ModuleList(PredictionHead(self.config, head) for _ in range(levels))

    def _join_heads(self, levels: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes, class outputs and coefficients of all priors and all heads together."""
        parts = [_predict_with(head, levels) for head in self.prediction_layers]
        boxes, classes, coefficients = (
            [one for one in some if one is not None] for some in zip(*parts, strict=True)
        )
        return (
            reduce(torch.add, boxes),
            torch.cat(classes, dim=2) if len(classes) > 1 else classes[0],
            reduce(torch.add, coefficients),
        )

    def _join_outputs(self, class_outputs: Tensor) -> Tensor:
        """Return the logit of each class: the largest of its outputs.

        They are picked by multiplication, which ncnn knows, unlike indexing.
        """
        if self.class_outputs is None:
            return class_outputs
        largest: Tensor = reduce(
            torch.maximum, [class_outputs @ one for one in self.class_outputs]
        )
        return largest

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


def build_network(config: str | ModelConfig) -> Yolact:
    """Build a network with random weights, in evaluation mode.

    Args:
        config: Configuration or its name, such as ``yolact_resnet50``.

    Raises:
        InputError: The name is unknown, or the configuration contradicts itself or asks for a
            giant.
    """
    if isinstance(config, str):
        config = ModelConfig.from_name(config)
    check_size(config)
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
    resized.ranges = network.ranges
    return resized.to(network.priors.device)


def _predict_with(head: nn.Module, levels: list[Tensor]) -> list[Tensor | None]:
    """Return what one head predicts at all priors; None for what it does not."""
    heads: list[Any] = [*head] if isinstance(head, nn.ModuleList) else [head] * len(levels)
    outputs = torch.cat([one(level) for one, level in zip(heads, levels, strict=True)], dim=1)
    values: tuple[int, ...] = heads[0].values
    parts = iter(outputs.split([count for count in values if count], dim=2))
    return [next(parts) if count else None for count in values]


def _pick_outputs(config: ModelConfig) -> Tensor | None:
    """Return matrices that pick one output for each class, or None where each has its own.

    Classes of fewer outputs than others get the first one several times.
    """
    if not config.class_outputs:
        return None
    longest = max(map(len, config.class_outputs))
    padded = [some + some[:1] * (longest - len(some)) for some in config.class_outputs]
    outputs = torch.arange(config.output_count).view(-1, 1)
    return (torch.tensor(padded).T.unsqueeze(1) == outputs).float()


def _initialise(part: nn.Module | None) -> None:
    """Initialise convolutions as the original does: Xavier uniform weights and zero biases."""
    for module in part.modules() if part is not None else ():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
