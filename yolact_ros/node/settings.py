"""The settings of the node: its parameters, and which changes of them are refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal

from rclpy.node import Node
from rclpy.parameter import Parameter

from yolact_core.errors import InputError
from yolact_core.inference.options import DetectorOptions
from yolact_core.media.ranges import BY_ENCODING, ImageRange
from yolact_core.runtimes.registry import backend_names
from yolact_core.tracking import TrackingOptions
from yolact_core.visualization import OverlayStyle
from yolact_ros.masks import MaskEncoding
from yolact_ros.messages.result import OutputOptions
from yolact_ros.node.depth.settings import DepthSettings
from yolact_ros.node.nav.settings import NavSettings
from yolact_ros.node.parameters import When, list_rows, parameter, replace_values
from yolact_ros.node.removal.settings import RemovalSettings

CAMERA_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')


@dataclass(frozen=True)
class ModelSettings:
    """Which model runs, and where."""

    name: str = parameter(
        'coco',
        'A shipped model, an official name such as yolact_base, or the path of a checkpoint.',
        when=When.UNCONFIGURED,
    )
    config: str = parameter(
        '',
        'Configuration, or YAML file of one, of a .pth file that is not named after it.',
        when=When.UNCONFIGURED,
    )
    device: str = parameter('auto', 'auto, cpu, cuda or cuda:N.', when=When.UNCONFIGURED)
    backend: str = parameter(
        'auto',
        'Runtime of the network; auto: the fastest that is installed.',
        choices=('auto', *backend_names()),
        when=When.UNCONFIGURED,
    )
    precision: Literal['auto', 'float32', 'bfloat16', 'float16', 'int8'] = parameter(
        'auto', 'Of the arithmetic, as the backend has it.', when=When.UNCONFIGURED
    )
    engine_cache_dir: str = parameter(
        '',
        'Folder where TensorRT engines are kept. Empty: engines in $YOLACT_CACHE.',
        when=When.UNCONFIGURED,
    )


@dataclass(frozen=True)
class OverlaySettings(OverlayStyle):
    """What is drawn over an image, and how."""

    alpha: float = parameter(0.45, 'Opacity of the masks.', (0.0, 1.0))
    color_by: Literal['class', 'instance', 'track'] = parameter('class', 'What has a colour.')
    masks: bool = parameter(True, 'Tint the masks.')
    contours: bool = parameter(True, 'Draw the outlines of the masks.')
    boxes: bool = parameter(True, 'Draw the boxes.')
    labels: bool = parameter(True, 'Write class and track beside each box.')
    scores: bool = parameter(True, 'Write the score beside the class.')
    trails: float = parameter(
        0.0, 'Draw the way of each track over the last so many seconds. 0: none.', (0.0, 60.0)
    )
    scale: float = parameter(1.0, "Side of the drawing as a fraction of the image's.", (0.01, 1.0))


@dataclass(frozen=True)
class TrackingSettings(TrackingOptions):
    """How instances are followed from image to image."""

    enabled: bool = parameter(True, 'Follow instances from image to image: id and track_age.')
    begin_score: float = parameter(
        0.4, 'Instances with this score begin tracks, weaker ones only continue them.', (0.0, 1.0)
    )
    min_iou: float = parameter(
        0.2, 'Overlap with a track, moved along, that an instance of it has.', (0.01, 1.0)
    )
    max_lost: float = parameter(
        2.0, 'Look for an instance that is not seen for so many seconds.', (0.0, 3600.0)
    )
    camera_motion: bool = parameter(True, 'Make up for the shift of the whole image.')


@dataclass(frozen=True)
class Settings:
    """The values of all parameters, and what follows from them."""

    autostart: bool = parameter(
        True, 'Configure and activate the node by itself.', when=When.START
    )
    cameras: tuple[str, ...] = parameter(
        (),
        'Names of the cameras: each subscribes NAME/image and publishes ~/NAME/... '
        'Empty: one camera, image and ~/...',
        when=When.UNCONFIGURED,
    )
    image_transport: Literal['raw', 'compressed'] = parameter(
        'raw',
        'How images come: as Image, or as CompressedImage on the topic with /compressed appended.',
        when=When.UNCONFIGURED,
    )
    model: ModelSettings = field(default_factory=ModelSettings)
    max_batch: int = parameter(
        0,
        'At most so many cameras share one pass of the network. 0: all on a GPU, one on a CPU.',
        (0, 64),
        when=When.UNCONFIGURED,
    )
    diagnostics_period: float = parameter(
        1.0, 'Seconds between messages on /diagnostics.', (0.1, 60.0), when=When.START
    )
    score_threshold: float = parameter(
        0.3, 'Publish instances with a score above it.', (0.0, 0.999)
    )
    iou_threshold: float = parameter(
        0.5, 'Boxes of a class that overlap more are the same object.', (0.001, 1.0)
    )
    max_detections: int = parameter(
        100, 'Publish at most so many instances, the best ones.', (1, 1000)
    )
    class_agnostic: bool = parameter(
        False, 'An object has one class: boxes drop others of any class.'
    )
    nms: Literal['fast', 'traditional'] = parameter(
        'fast', 'How boxes of the same object are dropped.'
    )
    classes: tuple[str, ...] = parameter((), 'Names of the classes to publish. Empty: all.')
    min_area: int = parameter(0, 'Publish instances of at least so many pixels.', (0, 2**31 - 1))
    mask_encoding: Literal['rle', 'bitmap', 'mono8', 'none'] = parameter(
        'rle', 'How masks are written into ~/instances.'
    )
    publish_coefficients: bool = parameter(False, "Publish each instance's mask coefficients.")
    max_age: float = parameter(
        0.0, 'Drop images that are older, by stamp and ROS time, seconds. 0: never.', (0.0, 3600.0)
    )
    max_rate: float = parameter(
        0.0, 'Process at most so many images of a camera a second. 0: all.', (0, 1000)
    )
    silence_timeout: float = parameter(
        2.0, 'Warn on /diagnostics when no image came for so many seconds.', (0.1, 3600.0)
    )
    image_range: ImageRange = parameter(
        BY_ENCODING,
        'Values of 16-bit images that become black and white; encoding: as that has it.',
    )
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    depth: DepthSettings = field(default_factory=DepthSettings)
    nav: NavSettings = field(default_factory=NavSettings)
    removal: RemovalSettings = field(default_factory=RemovalSettings)
    jpeg_quality: int = parameter(80, 'Quality of ~/overlay/compressed.', (1, 100))
    overlay: OverlaySettings = field(default_factory=OverlaySettings)

    @property
    def detector_options(self) -> DetectorOptions:
        """What counts as a detection.

        Raises:
            InputError: A threshold is outside its range.
        """
        return DetectorOptions(
            score_threshold=self.score_threshold,
            iou_threshold=self.iou_threshold,
            max_detections=self.max_detections,
            class_agnostic=self.class_agnostic,
            nms=self.nms,
            classes=self.classes,
        )

    @property
    def output_options(self) -> OutputOptions:
        """How results are published."""
        return OutputOptions(
            encoding=MaskEncoding[self.mask_encoding.upper()],
            with_coefficients=self.publish_coefficients,
            jpeg_quality=self.jpeg_quality,
            overlay=self.overlay,
            nav=self.nav,
        )

    @property
    def interval(self) -> float:
        """Least seconds between two processed images of a camera."""
        return 1 / self.max_rate if self.max_rate else 0.0

    @property
    def camera_names(self) -> tuple[str, ...]:
        """Names of the cameras; one empty name without any."""
        return self.cameras or ('',)


TABLE = list_rows(Settings)
ROWS = {row.name: row for row in TABLE}


def declare(node: Node, given: Mapping[str, object]) -> Settings:
    """Declare all parameters and return their values at the start.

    Args:
        node: Node that has the parameters.
        given: Values that were given at the start, by name.

    Raises:
        InputError: One of these is not as it must be.
    """
    check(Settings(), given, may_configure=True)
    for row in TABLE:
        default = list(row.default) if isinstance(row.default, tuple) else row.default
        node.declare_parameter(row.name, default, row.descriptor())
    values = {name: node.get_parameter(name).value for name in ROWS}
    return check(Settings(), values, may_configure=True)


def check(settings: Settings, changes: Mapping[str, object], *, may_configure: bool) -> Settings:
    """Return the settings after some changes.

    Args:
        settings: Settings before the changes.
        changes: New values by name; names that are no parameters of ours are left alone.
        may_configure: Whether parameters of an unconfigured node may be changed.

    Raises:
        InputError: A change is not allowed, with the reason; then none of them is.
    """
    values: dict[str, object] = {}
    for name, given in changes.items():
        if (row := ROWS.get(name)) is None:
            continue
        value = row.normalize(given)
        is_fixed = row.when is When.UNCONFIGURED and not may_configure
        if is_fixed and value != attrgetter(name)(settings):
            raise InputError(f'{name} can be changed only {row.when.value}')
        values[name] = row.check(value)
    changed = replace_values(settings, values)
    _check_cameras(changed.cameras)
    return changed


def changes_in(parameters: Iterable[Parameter[Any]]) -> dict[str, object]:
    """Return the values that a request to set parameters asks for, by name."""
    return {parameter.name: parameter.value for parameter in parameters}


def _check_cameras(names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if not CAMERA_NAME.fullmatch(name) or count > 1:
            raise InputError(
                'cameras must be different names of letters, digits and _, beginning with a '
                f'letter, got {name!r}'
            )
