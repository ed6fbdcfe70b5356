"""The parameters of the node, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from yolact_core.runtimes.table import backend_names

NO_NAMES: tuple[str, ...] = ()


class When(Enum):
    """When a parameter may be changed."""

    ALWAYS = 'at any time'
    UNCONFIGURED = 'while the node is unconfigured: deactivate, cleanup, set it, configure'
    START = 'when the node is started'


@dataclass(frozen=True)
class Row:
    """One parameter.

    Args:
        name: Its name.
        default: Its default, which tells its type; an empty tuple stands for a list of strings.
        description: Meaning and unit.
        range: Least and largest number.
        choices: The strings that it may be.
        when: When it may be changed.
    """

    name: str
    default: bool | int | float | str | tuple[str, ...]
    description: str
    range: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    when: When = When.ALWAYS

    def descriptor(self) -> ParameterDescriptor:
        """Return what ``ros2 param describe`` shows."""
        choices = f' One of: {", ".join(self.choices)}.' if self.choices else ''
        descriptor = ParameterDescriptor(
            description=f'{self.description}{choices} Changeable {self.when.value}.',
            additional_constraints=f'one of {", ".join(self.choices)}' if self.choices else '',
            read_only=self.when is When.START,
            dynamic_typing=True,  # so that 1 may stand for 1.0, and [] for a list of strings
        )
        if self.range and isinstance(self.default, float):
            low, high = self.range
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        elif self.range:
            whole = [int(bound) for bound in self.range]
            descriptor.integer_range = [
                IntegerRange(from_value=whole[0], to_value=whole[1], step=1)
            ]
        return descriptor


TABLE = (
    Row('autostart', True, 'Configure and activate the node by itself.', when=When.START),
    Row(
        'cameras',
        NO_NAMES,
        'Names of the cameras: each subscribes NAME/image and publishes ~/NAME/... '
        'Empty: one camera, image and ~/...',
        when=When.UNCONFIGURED,
    ),
    Row(
        'image_transport',
        'raw',
        'How images come: as Image, or as CompressedImage on the topic with /compressed appended.',
        choices=('raw', 'compressed'),
        when=When.UNCONFIGURED,
    ),
    Row(
        'model.name',
        'indoor',
        'A shipped model, an official name such as yolact_base, or the path of a checkpoint.',
        when=When.UNCONFIGURED,
    ),
    Row(
        'model.config',
        '',
        'Configuration, or YAML file of one, of a .pth file that is not named after it.',
        when=When.UNCONFIGURED,
    ),
    Row(
        'model.device',
        'auto',
        'auto, cpu, cuda or cuda:N.',
        when=When.UNCONFIGURED,
    ),
    Row(
        'model.backend',
        'auto',
        'Runtime of the network; auto: the fastest that is installed.',
        choices=('auto', *backend_names()),
        when=When.UNCONFIGURED,
    ),
    Row(
        'model.precision',
        'auto',
        'Of the arithmetic, as the backend has it.',
        choices=('auto', 'float32', 'bfloat16', 'float16', 'int8'),
        when=When.UNCONFIGURED,
    ),
    Row(
        'model.engine_cache_dir',
        '',
        'Folder where TensorRT engines are kept. Empty: engines in $YOLACT_CACHE.',
        when=When.UNCONFIGURED,
    ),
    Row(
        'max_batch',
        0,
        'At most so many cameras share one pass of the network. 0: all on a GPU, one on a CPU.',
        (0, 64),
        when=When.UNCONFIGURED,
    ),
    Row(
        'diagnostics_period',
        1.0,
        'Seconds between messages on /diagnostics.',
        (0.1, 60.0),
        when=When.START,
    ),
    Row('score_threshold', 0.3, 'Publish instances with a score above it.', (0.0, 0.999)),
    Row(
        'iou_threshold',
        0.5,
        'Boxes of a class that overlap more are the same object.',
        (0.001, 1.0),
    ),
    Row('max_detections', 100, 'Publish at most so many instances, the best ones.', (1, 1000)),
    Row('class_agnostic', False, 'An object has one class: boxes drop others of any class.'),
    Row(
        'nms',
        'fast',
        'How boxes of the same object are dropped.',
        choices=('fast', 'traditional'),
    ),
    Row('classes', NO_NAMES, 'Names of the classes to publish. Empty: all.'),
    Row('min_area', 0, 'Publish instances of at least so many pixels.', (0, 2**31 - 1)),
    Row(
        'mask_encoding',
        'rle',
        'How masks are written into ~/instances.',
        choices=('rle', 'bitmap', 'mono8', 'none'),
    ),
    Row('publish_coefficients', False, "Publish each instance's mask coefficients."),
    Row(
        'max_age',
        0.0,
        'Drop images that are older, by stamp and ROS time, seconds. 0: never.',
        (0.0, 3600.0),
    ),
    Row(
        'max_rate', 0.0, 'Process at most so many images of a camera a second. 0: all.', (0, 1000)
    ),
    Row(
        'silence_timeout',
        2.0,
        'Warn on /diagnostics when no image came for so many seconds.',
        (0.1, 3600.0),
    ),
    Row('jpeg_quality', 80, 'Quality of ~/overlay/compressed.', (1, 100)),
    Row('overlay.alpha', 0.45, 'Opacity of the masks.', (0.0, 1.0)),
    Row(
        'overlay.color_by',
        'class',
        'What shares a colour.',
        choices=('class', 'instance'),
    ),
    Row('overlay.masks', True, 'Tint the masks.'),
    Row('overlay.contours', True, 'Draw the outlines of the masks.'),
    Row('overlay.boxes', True, 'Draw the boxes.'),
    Row('overlay.labels', True, 'Write the class beside each box.'),
    Row('overlay.scores', True, 'Write the score beside the class.'),
)
ROWS = {row.name: row for row in TABLE}
