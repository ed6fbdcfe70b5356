"""What a training run is made of, as it stands in its YAML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from yolact_core.config import AnchorConfig, BackboneConfig
from yolact_core.errors import InputError
from yolact_core.training.augmentation import AugmentationOptions, RecipeName
from yolact_core.training.loss import LossOptions


@dataclass(frozen=True)
class DataOptions:
    """Where images and annotations are. Paths are relative to the working directory.

    Args:
        train: COCO-format annotations to train on; the classes are theirs.
        images: The folder that their file names are relative to.
        val: Annotations that AP is computed on while training and the best weights are chosen by.
        val_images: Folder of those. Default: ``images``.
        test: Annotations that AP is computed on once, at the end.
        test_images: Folder of those. Default: ``images``.
        mask_size: Side of the masks that are handed to the loss, in pixels. Default: the input
            size, which is exact; the prototypes' size is faster.
        workers: Processes that read and augment.
    """

    train: str
    images: str
    val: str | None = None
    val_images: str | None = None
    test: str | None = None
    test_images: str | None = None
    mask_size: int | None = None
    workers: int = 2


@dataclass(frozen=True)
class ModelOptions:
    """Which network is trained, and from which weights.

    Args:
        config: Name or YAML file of a configuration; its classes are replaced by the data's.
            Default: the one of ``weights``, or ``yolact_resnet50``.
        weights: To go on from: a shipped model, an official name such as ``yolact_base`` or a
            file. Classes of the data that it knows by name, it goes on knowing; others, and what
            else does not fit, start anew.
        backbone_weights: To begin with: a file, or ``imagenet`` for the published ones, which are
            fetched. Not together with ``weights``.
        name: Of the result, instead of the configuration's.
        input_size: Changes the configuration's; its anchors are scaled along.
        feature_channels: Changes the configuration's.
        prototypes: Changes the configuration's.
        mask_rescoring: Changes the configuration's.
        anchors: Changes the configuration's.
        backbone: Changes the configuration's.
        freeze: Parts that stay as they are, batch norm included, by the names of their modules,
            such as ``backbone`` or ``backbone.body.blocks.0``.
    """

    config: str | None = None
    weights: str | None = None
    backbone_weights: str | None = None
    name: str | None = None
    input_size: int | None = None
    feature_channels: int | None = None
    prototypes: int | None = None
    mask_rescoring: bool | None = None
    anchors: AnchorConfig | None = None
    backbone: BackboneConfig | None = None
    freeze: tuple[str, ...] = ()


@dataclass(frozen=True)
class OptimizerOptions:
    """How weights follow gradients.

    Args:
        kind: ``sgd`` or ``adamw``.
        learning_rate: For a batch of 8 images; scaled with the batch (see ``scale_to_batch``).
        momentum: Of SGD.
        weight_decay: Of all parameters.
        clip_norm: Longer gradients are shortened to this norm. 0 means never.
        scale_to_batch: Scale the rate with the batch, and the steps inversely, as the original.
        average: Decay of the moving average of the weights that is evaluated and saved, in
            [0, 1); 0 means none.
    """

    kind: Literal['sgd', 'adamw'] = 'sgd'
    learning_rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip_norm: float = 35.0
    scale_to_batch: bool = True
    average: float = 0.999

    def __post_init__(self) -> None:
        _check(self, 'learning_rate', self.learning_rate > 0, 'positive')
        _check(self, 'clip_norm', self.clip_norm >= 0, 'at least 0')
        _check(self, 'average', 0 <= self.average < 1, 'in [0, 1)')


@dataclass(frozen=True)
class ScheduleOptions:
    """How long, and how the learning rate goes.

    Args:
        kind: ``cosine``: falls smoothly to a hundredth. ``steps``: a tenth at each milestone.
        steps: Length of the training in steps of 8 images (see ``scale_to_batch``).
        milestones: For ``steps``: where the rate falls, in steps of 8 images.
        warmup_steps: The rate rises over so many steps, of any batch size.
        max_minutes: The whole run, final evaluation included, takes at most so long. The cosine
            then runs over whichever is used up first, steps or time, so that the rate has
            fallen when time is up; milestones do not move. 0 means no limit.
        reserve_minutes: Of these, kept for the final evaluation.
    """

    kind: Literal['cosine', 'steps'] = 'cosine'
    steps: int = 20_000
    milestones: tuple[int, ...] = ()
    warmup_steps: int = 500
    max_minutes: float = 0.0
    reserve_minutes: float = 1.0

    def __post_init__(self) -> None:
        _check(self, 'steps', self.steps >= 1, 'at least 1')
        _check(self, 'warmup_steps', self.warmup_steps >= 0, 'at least 0')
        if 0 < self.max_minutes <= self.reserve_minutes:
            raise InputError(
                f'max_minutes must be more than the {self.reserve_minutes} reserve_minutes, '
                f'got {self.max_minutes}'
            )


@dataclass(frozen=True)
class DeviceOptions:
    """On what it runs.

    Args:
        accelerator: ``auto``, ``cpu`` or ``gpu``.
        devices: How many on each machine.
        machines: How many.
        precision: ``auto`` is bf16 on GPUs that have it, else fp32.
        compile: Compile the network with ``torch.compile``.
        deterministic: Give the same weights each time, on the same machine, for some speed.
    """

    accelerator: Literal['auto', 'cpu', 'gpu'] = 'auto'
    devices: int = 1
    machines: int = 1
    precision: Literal['auto', 'fp32', 'bf16', 'fp16'] = 'auto'
    compile: bool = False
    deterministic: bool = False


@dataclass(frozen=True)
class ReportOptions:
    """What is evaluated, saved and told on the way.

    Args:
        evaluate_every: Steps between evaluations on ``data.val``; 0 means at the end only.
        evaluate_images: Evaluate on so many images at most. 0 means all.
        save_minutes: Minutes between saves of the last state.
        line_seconds: Seconds between lines that tell how it goes where there is no terminal.
        overlays: How many validation images are drawn for TensorBoard.
    """

    evaluate_every: int = 2000
    evaluate_images: int = 0
    save_minutes: float = 5.0
    line_seconds: float = 20.0
    overlays: int = 4


@dataclass(frozen=True)
class RunConfig:
    """A whole training run.

    Args:
        data: Images and annotations.
        output: Folder that checkpoints, TensorBoard's logs and figures go to.
        model: Which network.
        recipe: Of the augmentation, ``standard`` or ``original``.
        augmentation: Its probabilities.
        loss: Weights and limits.
        optimizer: How weights follow gradients.
        schedule: How long.
        batch_size: Images per step, of all devices together.
        freeze_batch_norm: ``auto`` freezes it below 6 images per device, as the original.
        device: On what.
        report: What is told and saved.
        seed: Of everything random.
        resume: Go on from the last state in ``output``, exactly as if there had been no break.
        license: Under which terms the weights may be used, and whom to credit.
    """

    data: DataOptions
    output: str = 'out/train'
    model: ModelOptions = field(default_factory=ModelOptions)
    recipe: RecipeName = 'standard'
    augmentation: AugmentationOptions = field(default_factory=AugmentationOptions)
    loss: LossOptions = field(default_factory=LossOptions)
    optimizer: OptimizerOptions = field(default_factory=OptimizerOptions)
    schedule: ScheduleOptions = field(default_factory=ScheduleOptions)
    batch_size: int = 8
    freeze_batch_norm: Literal['auto', 'always', 'never'] = 'auto'
    device: DeviceOptions = field(default_factory=DeviceOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    seed: int = 0
    resume: bool = False
    license: str = ''

    def __post_init__(self) -> None:
        _check(self, 'batch_size', self.batch_size >= 1, 'at least 1')
        processes = self.device.devices * self.device.machines
        if self.batch_size % max(processes, 1) != 0:
            raise InputError(
                f'batch_size must be a multiple of the {processes} devices, got {self.batch_size}'
            )


def _check(options: object, name: str, holds: bool, rule: str) -> None:
    if not holds:
        raise InputError(f'{name} must be {rule}, got {getattr(options, name)}')
