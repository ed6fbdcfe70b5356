"""The options of a training run, and reading them from its YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from yolact_core.config import AnchorConfig, BackboneConfig
from yolact_core.errors import InputError
from yolact_core.media.image_headers import Orientation
from yolact_core.records import build_record, check_fields, parse_yaml, read_yaml
from yolact_core.training.augmentation import AugmentationOptions, RecipeName
from yolact_core.training.extension import ExtensionOptions
from yolact_core.training.losses import LossOptions
from yolact_core.training.optimization import OptimizerOptions, ScheduleOptions


@dataclass(frozen=True)
class DataOptions:
    """Where images and annotations are; paths are relative to the working directory.

    Args:
        train: Annotations to train on, in COCO's format; they define the classes.
        images: Folder that their file names are relative to.
        val: Annotations to evaluate on during training, to choose the best weights.
        val_images: Folder of the images of ``val``; default: ``images``.
        test: Annotations to evaluate on once, at the end.
        test_images: Folder of the images of ``test``; default: ``images``.
        orientation: Whether annotations are for the pixels as they are ``stored`` or, by EXIF's
            orientation, ``upright``; ``auto``: as each file says or, where it does not, by size.
        mask_size: Side of the masks that the loss compares with, in pixels. Default: the input
            size, which is exact; the size of the prototypes is faster.
        workers: Number of processes that read and augment.
        cache: Folder for the features of a frozen trunk (``model.freeze`` names ``backbone`` and
            ``fpn``), which are then computed once; None: compute them at each step.
        cache_views: Number of augmented views of each image in the cache.
    """

    train: str
    images: str
    val: str | None = None
    val_images: str | None = None
    test: str | None = None
    test_images: str | None = None
    orientation: Orientation = 'auto'
    mask_size: int | None = None
    workers: int = 2
    cache: str | None = None
    cache_views: int = 4

    def __post_init__(self) -> None:
        rules = {
            'cache_views must be at least 1': self.cache_views >= 1,
            'mask_size must be at least 1': self.mask_size is None or self.mask_size >= 1,
            'workers must be at least 0': self.workers >= 0,
        }
        check_fields(self, rules)


@dataclass(frozen=True)
class NetworkOptions:
    """Which network is trained, and from which weights.

    Args:
        config: Name or YAML file of a configuration, whose classes the data replace. Default: the
            configuration of ``weights``, or ``yolact_resnet50``. Weights that do not tell theirs
            are of this one.
        weights: Model to start from: a shipped one, an official name such as ``yolact_base`` or a
            file. Whatever does not fit starts anew.
        backbone_weights: Weights of the backbone to start from: a file, or ``imagenet`` to fetch
            the published ones. Not together with ``weights``.
        classes: What becomes of the classes of ``weights``. Those of the data ``replace`` them; or
            the network can ``keep`` them, whatever those of the data, and learn masks alone; or a
            head for those of the data can ``extend`` it, while all else stays as it is. ``auto``
            extends where scores are sigmoids and the data are at most 200 images, else replaces.
        extension: Head that extends the network.
        name: Name of the trained model; default: the configuration's.
        input_size: Side of the input in pixels, instead of the configuration's; the anchors are
            scaled along.
        feature_channels: Width of pyramid, protonet and head, instead of the configuration's.
        prototypes: Number of prototypes, instead of the configuration's.
        mask_rescoring: Whether masks are rescored, instead of the configuration's.
        anchors: Priors, instead of the configuration's.
        backbone: Backbone, instead of the configuration's.
        freeze: Names of the modules that stay as they are, batch norm included, such as
            ``backbone`` or ``backbone.body.blocks.0``.
    """

    config: str | None = None
    weights: str | None = None
    backbone_weights: str | None = None
    classes: Literal['auto', 'replace', 'keep', 'extend'] = 'auto'
    extension: ExtensionOptions = field(default_factory=ExtensionOptions)
    name: str | None = None
    input_size: int | None = None
    feature_channels: int | None = None
    prototypes: int | None = None
    mask_rescoring: bool | None = None
    anchors: AnchorConfig | None = None
    backbone: BackboneConfig | None = None
    freeze: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeviceOptions:
    """Which devices train, and how they compute.

    Args:
        accelerator: Kind of device, ``auto``, ``cpu`` or ``gpu``.
        devices: Number of devices on each machine.
        machines: Number of machines.
        precision: Precision of the arithmetic; ``auto`` is bf16 on GPUs that have it, else fp32.
        compile: Whether to compile the network with ``torch.compile``.
        deterministic: Whether the same machine gives the same weights each time, at some speed.
    """

    accelerator: Literal['auto', 'cpu', 'gpu'] = 'auto'
    devices: int = 1
    machines: int = 1
    precision: Literal['auto', 'fp32', 'bf16', 'fp16'] = 'auto'
    compile: bool = False
    deterministic: bool = False

    def __post_init__(self) -> None:
        rules = {
            'devices must be at least 1': self.devices >= 1,
            'machines must be at least 1': self.machines >= 1,
        }
        check_fields(self, rules)


@dataclass(frozen=True)
class ReportOptions:
    """What is evaluated, saved and logged during training.

    Args:
        evaluate_every: Steps between evaluations on ``data.val``; 0 means at the end only.
        evaluate_images: Largest number of images to evaluate on; 0 means all.
        save_minutes: Minutes between saves of the last state.
        line_seconds: Seconds between lines of the log.
        overlays: Number of validation images that are drawn for TensorBoard.
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
        output: Folder that checkpoints, figures and the logs of TensorBoard go to.
        model: Which network is trained, and from which weights.
        recipe: Recipe of the augmentation, ``standard`` or ``original``.
        augmentation: Probability of each change of an image.
        loss: Weights and limits of the losses.
        optimizer: How weights follow gradients.
        schedule: How long the training takes, and how its learning rate changes.
        batch_size: Images per step, of all devices together.
        freeze_batch_norm: When batch norm is frozen; ``auto`` means below 6 images per device, as
            in the original.
        device: Which devices train.
        report: What is evaluated, saved and logged.
        seed: Seed of everything random.
        resume: Whether to continue the last state in ``output``, as if there had been no break.
        license: Terms under which the weights may be used, and whom to credit.
    """

    data: DataOptions
    output: str = 'out/train'
    model: NetworkOptions = field(default_factory=NetworkOptions)
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
        rules = {
            'batch_size must be at least 1': self.batch_size >= 1,
            'seed must be in [0, 2^32)': 0 <= self.seed < 2**32,
        }
        check_fields(self, rules)
        if self.model.classes == 'keep' and not self.loss.is_of_masks_alone:
            raise InputError(
                'loss must have box, class_ and semantic of 0 and matching.by_score false '
                f'where model.classes is keep, got {self.loss}'
            )
        processes = self.device.devices * self.device.machines
        if self.batch_size % max(processes, 1) != 0:
            raise InputError(
                f'batch_size must be a multiple of the {processes} devices, got {self.batch_size}'
            )


def load_run(path: str | Path, changes: Sequence[str] = ()) -> RunConfig:
    """Read a run from its file, with changes from the command line.

    Args:
        path: YAML file of the run.
        changes: Changes such as ``optimizer.learning_rate=0.01``, whose values are YAML.

    Raises:
        InputError: The file cannot be read, a key is unknown, or a value is wrong.
    """
    values = read_yaml(Path(path))
    for change in changes:
        key, found, text = change.partition('=')
        if not found or not key:
            raise InputError(f'change must look like key=value, got {change!r}')
        _set(values, key, _parse(key, text))
    return build_record(RunConfig, values, str(path))


def _parse(key: str, text: str) -> object:
    try:
        value = parse_yaml(text)
    except InputError as error:
        raise InputError(f'value of {key} must be YAML, got {text!r}: {error}') from None
    if isinstance(value, str):
        with suppress(ValueError):
            return float(value)  # YAML 1.1 wants 1.0e-3 where people write 1e-3
    return value


def _set(values: dict[str, Any], key: str, value: object) -> None:
    *parents, name = key.split('.')
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise InputError(f'{key} must lie within keys and values, but {parent} is {values!r}')
    values[name] = value
