"""The parts of a network's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class BackboneConfig:
    """The network that computes the features.

    Args:
        name: ``resnet50``, ``resnet101``, ``darknet53`` or any convolutional model of ``timm``.
        stages: Stages that feed the pyramid, shallow first, counted from 0.
        deformable: Number of last blocks of each stage that may be deformable (YOLACT++).
        deformable_interval: Interval of the deformable blocks among those; 1 makes all of them so.
    """

    name: str
    stages: tuple[int, ...]
    deformable: tuple[int, ...] = (0, 0, 0, 0)
    deformable_interval: int = 1


@dataclass(frozen=True)
class AnchorConfig:
    """The priors, which others call anchors.

    A head that predicts distances has one square prior of one stride in each cell.

    Args:
        scales: Side lengths in pixels of the network's input, one tuple for each pyramid level.
        aspect_ratios: Width divided by height.
        square: Use the width for the height too, as the checkpoints of YOLACT 1.0 need it.
    """

    scales: tuple[tuple[float, ...], ...]
    aspect_ratios: tuple[float, ...] = (1.0, 0.5, 2.0)
    square: bool = False

    @property
    def per_cell(self) -> int:
        """Priors at each cell of a pyramid level."""
        return len(self.scales[0]) * len(self.aspect_ratios)


@dataclass(frozen=True)
class ProtonetConfig:
    """The branch that computes the prototypes from P3 (YOLACT, section 3.1).

    Args:
        channels: Width of its hidden layers; None: that of the pyramid.
        convolutions: 3x3 convolutions before its upsampling.
        detail_stage: Stage of the backbone, finer than P3, whose features are added after the
            upsampling to sharpen edges. The prototypes get its size. None: twice that of P3.
    """

    channels: int | None = None
    convolutions: int = 3
    detail_stage: int | None = None


@dataclass(frozen=True)
class HeadConfig:
    """One prediction head: a 3x3 convolution to hidden features, and what is predicted from them.

    With several heads, classes follow each other, and boxes and coefficients add up.

    Args:
        channels: Width of its hidden features; None: that of the pyramid.
        shared: Whether all pyramid levels share its weights; otherwise each has its own.
        kernel: Side of the kernels that predict from the hidden features, in cells.
        slope: Slope of its activation below zero; 0 is a ReLU.
        classes: Class outputs; None: one for each class, and one for the background of a softmax.
        boxes: Whether it predicts boxes.
        masks: Whether it predicts mask coefficients.
    """

    channels: int | None = None
    shared: bool = True
    kernel: Literal[1, 3] = 3
    slope: float = 0.0
    classes: int | None = None
    boxes: bool = True
    masks: bool = True
