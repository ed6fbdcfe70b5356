"""The whole configuration of a network."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from yolact_core.config.class_sets import CLASS_SETS, class_set
from yolact_core.config.parts import AnchorConfig, BackboneConfig, HeadConfig, ProtonetConfig
from yolact_core.errors import InputError
from yolact_core.records import build_record, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.abc import Traversable

CONFIGS = 'configs'
PYRAMID_LEVELS = {'fpn': 5, 'pan': 3}
FILE_NAME = re.compile(r'[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,99}')  # files are named after networks
LARGEST_SIDE, WIDEST, DEEPEST, MOST_OUTPUTS = 8192, 8192, 64, 100_000  # far from any network's

BoxCoding = Literal['offsets', 'distances']
ScoreKind = Literal['softmax', 'sigmoid']


@dataclass(frozen=True)
class ModelConfig:
    """Everything that shapes a network.

    Args:
        name: Name of the configuration, after which files are named.
        input_size: Side S of the square input, in pixels.
        backbone: Network that computes the features.
        anchors: The priors.
        class_names: Foreground classes in the order of the network's outputs.
        mean: Values that are subtracted from red, green and blue in [0, 255].
        std: Values that red, green and blue are then divided by.
        feature_channels: Width of pyramid, protonet and head.
        prototypes: Number of prototypes (k in the paper).
        mask_rescoring: Whether a mask-IoU network rescores the masks (YOLACT++).
        pyramid: ``fpn``, five levels (YOLACT, section 4), or ``pan``, three levels of sums down
            and up again (NanoDet).
        protonet: Branch that computes the prototypes.
        heads: Prediction heads, whose outputs are put together.
        box_coding: ``offsets`` from the priors (SSD), or ``distances`` from the centre of the cell
            to the four sides, in strides, each the mean of a distribution (GFL).
        scores: ``softmax`` over the classes and a background, or ``sigmoid`` of each class alone.
        class_outputs: Class outputs of the heads whose largest is the logit of a class, for each
            class, only with ``sigmoid``; empty: one for each class.
    """

    name: str
    input_size: int
    backbone: BackboneConfig
    anchors: AnchorConfig
    class_names: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    feature_channels: int = 256
    prototypes: int = 32
    mask_rescoring: bool = False
    pyramid: Literal['fpn', 'pan'] = 'fpn'
    protonet: ProtonetConfig = field(default_factory=ProtonetConfig)
    heads: tuple[HeadConfig, ...] = (HeadConfig(),)
    box_coding: BoxCoding = 'offsets'
    scores: ScoreKind = 'softmax'
    class_outputs: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        for rule, holds in {**self._size_rules(), **self._head_rules()}.items():
            if not holds:
                raise InputError(f'configuration {self.name!r}: {rule}')

    def _size_rules(self) -> dict[str, bool]:
        levels, scales = PYRAMID_LEVELS[self.pyramid], self.anchors.scales
        detail = self.protonet.detail_stage
        return {
            'name must be what a file can be called': bool(FILE_NAME.fullmatch(self.name)),
            f'input_size must be from 64 to {LARGEST_SIDE}': 64 <= self.input_size <= LARGEST_SIDE,
            'class_names must name at least one class': len(self.class_names) > 0,
            'class_names must not repeat': len(set(self.class_names)) == len(self.class_names),
            f'feature_channels must be from 1 to {WIDEST}': 0 < self.feature_channels <= WIDEST,
            f'prototypes must be from 1 to {WIDEST}': 0 < self.prototypes <= WIDEST,
            'std must be positive': min(self.std) > 0,
            'backbone.stages must name 3 stages': len(self.backbone.stages) == 3,
            f'anchors.scales must have {levels} levels': len(scales) == levels,
            'anchors.scales must have equally many scales at each level': (
                len({len(level) for level in scales}) == 1
            ),
            'anchors.scales must be positive': all(
                scale > 0 for level in scales for scale in level
            ),
            'anchors.aspect_ratios must be positive': all(
                ratio > 0 for ratio in self.anchors.aspect_ratios
            ),
            f'protonet.channels must be from 1 to {WIDEST}': (
                self.protonet.channels is None or 0 < self.protonet.channels <= WIDEST
            ),
            f'protonet.convolutions must be from 1 to {DEEPEST}': (
                0 < self.protonet.convolutions <= DEEPEST
            ),
            'protonet.detail_stage must come before backbone.stages': (
                detail is None or 0 <= detail < min(self.backbone.stages, default=0)
            ),
        }

    def _head_rules(self) -> dict[str, bool]:
        scales, ratios = self.anchors.scales, self.anchors.aspect_ratios
        expected, outputs = self.outputs_of(HeadConfig()), self.output_count
        return {
            'anchors must be one square a cell where distances are predicted': (
                self.box_coding == 'offsets'
                or (all(len(level) == 1 for level in scales) and ratios == (1.0,))
            ),
            f'heads must be at most {DEEPEST}': len(self.heads) <= DEEPEST,
            f'heads must have from 1 to {WIDEST} channels': all(
                head.channels is None or 0 < head.channels <= WIDEST for head in self.heads
            ),
            f'heads must have from 0 to {MOST_OUTPUTS} classes': all(
                head.classes is None or 0 <= head.classes <= MOST_OUTPUTS for head in self.heads
            ),
            'one of heads must predict boxes, and one masks': (
                any(head.boxes for head in self.heads) and any(head.masks for head in self.heads)
            ),
            f'heads must have {expected} class outputs together, got {outputs}': (
                bool(self.class_outputs) or outputs == expected
            ),
            'class_outputs must be used with sigmoid scores': (
                not self.class_outputs or self.scores == 'sigmoid'
            ),
            f'class_outputs must name outputs from 0 to {outputs - 1} for each class': (
                not self.class_outputs or self._has_valid_class_outputs()
            ),
        }

    def outputs_of(self, head: HeadConfig) -> int:
        """Return the number of a head's class outputs, that of a background included."""
        if head.classes is not None:
            return head.classes
        return len(self.class_names) + (self.scores == 'softmax')

    @property
    def output_count(self) -> int:
        """Class outputs of all heads together."""
        return sum(self.outputs_of(head) for head in self.heads)

    def _has_valid_class_outputs(self) -> bool:
        known = range(self.output_count)
        return len(self.class_outputs) == len(self.class_names) and all(
            some and all(output in known for output in some) for some in self.class_outputs
        )

    @classmethod
    def from_name(cls, name: str) -> ModelConfig:
        """Return a configuration that comes with the package, such as ``yolact_base``.

        Raises:
            InputError: There is none of that name.
        """
        if name not in config_names():
            raise InputError(
                f'configuration must be one of {", ".join(config_names())}, got {name!r}'
            )
        return cls.from_mapping(read_yaml(_configs() / f'{name}.yaml'), f'{name}.yaml')

    @classmethod
    def from_source(cls, source: str | Path) -> ModelConfig:
        """Return the configuration of a YAML file, or the one of that name.

        Raises:
            InputError: There is none, or the file cannot be read or is wrong.
        """
        is_file = Path(source).suffix in ('.yaml', '.yml')
        return cls.from_file(source) if is_file else cls.from_name(str(source))

    @classmethod
    def from_file(cls, path: str | Path) -> ModelConfig:
        """Read a configuration from a YAML file.

        Raises:
            InputError: The file cannot be read, or a key or value in it is wrong.
        """
        return cls.from_mapping(read_yaml(Path(path)), str(path))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str) -> ModelConfig:
        """Build a configuration from plain values.

        Args:
            values: Keys and values as in the YAML files; ``class_names`` may name a class set.
            source: Where the values come from, for error texts.

        Raises:
            InputError: A key is unknown or missing, or a value is wrong.
        """
        class_names = values.get('class_names') if isinstance(values, dict) else None
        if isinstance(class_names, str):
            values = {**values, 'class_names': list(class_set(class_names).values())}
        return build_record(cls, values, source)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values from which ``from_mapping`` builds the same configuration."""
        return dataclasses.asdict(self)

    def replace(self, **changes: Any) -> ModelConfig:  # noqa: ANN401 - any field's value
        """Return a copy in which some fields are different."""
        return dataclasses.replace(self, **changes)


def config_names() -> list[str]:
    """Return the names of the configurations that come with the package."""
    names = (Path(entry.name) for entry in _configs().iterdir())
    return sorted(
        name.stem for name in names if name.suffix == '.yaml' and name.name != CLASS_SETS
    )


def _configs() -> Traversable:
    return files('yolact_core') / CONFIGS
