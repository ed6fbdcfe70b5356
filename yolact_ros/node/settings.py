"""The settings that the parameters make, and which changes are refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.parameter import Parameter

from yolact_core.errors import InputError
from yolact_core.visualization import OverlayStyle
from yolact_ros.node.parameters import ROWS, TABLE, Row, When

CAMERA_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')
DETECTOR_OPTIONS = ('score_threshold', 'iou_threshold', 'max_detections', 'class_agnostic', 'nms')


@dataclass(frozen=True)
class Settings:
    """The values of all parameters, and what is made of them.

    Args:
        values: By the names of the table.
    """

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - of the type that the table says
        return self.values[name]

    def replace(self, **changes: object) -> Settings:
        """Return a copy in which some values are different."""
        return Settings({**self.values, **changes})

    @property
    def detector_options(self) -> dict[str, Any]:
        """Options of the detector by name."""
        options = {name: self[name] for name in DETECTOR_OPTIONS}
        return {**options, 'classes': tuple(self['classes'])}

    @property
    def overlay(self) -> OverlayStyle:
        """How the overlay is drawn."""
        prefix = 'overlay.'
        return OverlayStyle(
            **{
                name.removeprefix(prefix): value
                for name, value in self.values.items()
                if name.startswith(prefix)
            }
        )

    @property
    def interval(self) -> float:
        """Least seconds between two processed images of a camera."""
        return 1 / self['max_rate'] if self['max_rate'] else 0.0

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras; one empty name without any."""
        return self['cameras'] or ('',)


def declare(node: Node) -> Settings:
    """Declare all parameters of the table and return their values at the start.

    Raises:
        InputError: A value that was given at the start is not as it must be.
    """
    for row in TABLE:
        default = list(row.default) if isinstance(row.default, tuple) else row.default
        node.declare_parameter(row.name, default, row.descriptor())
    return check(
        Settings({}), {name: node.get_parameter(name).value for name in ROWS}, may_configure=True
    )


def check(settings: Settings, changes: Mapping[str, object], *, may_configure: bool) -> Settings:
    """Return the settings after some changes.

    Args:
        settings: As they are.
        changes: New values by name; names that are not in the table are none of ours.
        may_configure: Whether parameters of an unconfigured node may be changed.

    Raises:
        InputError: A change is not allowed, with the reason; then none of them is.
    """
    values = dict(settings.values)
    for name, value in changes.items():
        row = ROWS.get(name)
        if row is None:
            continue
        if isinstance(row.default, tuple):
            value = _check_names(name, value)
        if row.when is When.UNCONFIGURED and not may_configure and value != values[name]:
            raise InputError(f'{name} can be changed only {row.when.value}')
        values[name] = _check_value(row, value)
    _check_cameras(values['cameras'])
    return Settings(values)


def changes_in(parameters: Iterable[Parameter[Any]]) -> dict[str, object]:
    """Return the values that a request to set parameters asks for, by name."""
    return {parameter.name: parameter.value for parameter in parameters}


def _check_value(row: Row, value: object) -> object:
    """Return a value in the type of its row, or refuse it."""
    if isinstance(row.default, tuple):
        return _check_names(row.name, value)
    kind = type(row.default)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise InputError(f'{row.name} must be of type {kind.__name__}, got {value!r}')
    if row.range and not row.range[0] <= value <= row.range[1]:  # type: ignore[operator]
        low, high = row.range
        raise InputError(f'{row.name} must be from {low:g} to {high:g}, got {value!r}')
    if row.choices and value not in row.choices:
        raise InputError(f'{row.name} must be one of {", ".join(row.choices)}, got {value!r}')
    return value


def _check_names(name: str, value: object) -> tuple[str, ...]:
    """Return a list of names without empty ones: middlewares and files write no list as such."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise InputError(f'{name} must be a list of strings, got {value!r}')
    return tuple(one for one in value if one)


def _check_cameras(names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if not CAMERA_NAME.fullmatch(name) or count > 1:
            raise InputError(
                'cameras must be different names of letters, digits and _, beginning with a '
                f'letter, got {name!r}'
            )
