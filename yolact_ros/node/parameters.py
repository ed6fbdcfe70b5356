"""Parameters of a node as the fields of a frozen dataclass.

A field says all about its parameter: its type and default, what it means, which values it may have
and when it may be changed. A field that is a dataclass itself holds parameters below its name::

    @dataclass(frozen=True)
    class Settings:
        rate: float = parameter(0.0, 'Images per second.', (0, 100))
        model: ModelSettings = field(default_factory=ModelSettings)  # model.name, ...
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from yolact_core.errors import InputError

Group = TypeVar('Group')  # a dataclass of parameters


ROW = 'row'


class When(Enum):
    """When a parameter may be changed."""

    ALWAYS = 'at any time'
    UNCONFIGURED = 'while the node is unconfigured: deactivate, cleanup, set it, configure'
    START = 'when the node is started'


@dataclass(frozen=True)
class Row:
    """One parameter.

    Args:
        name: Full name, such as ``model.name``.
        default: Default, whose type is that of the parameter; a tuple is a list of strings.
        description: Meaning and unit.
        range: Smallest and largest number; None for what is no number.
        choices: Strings that are allowed; empty: all are.
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

    def normalize(self, value: object) -> object:
        """Return a list of strings as a tuple without empty ones, and all else as it is.

        Middlewares and files cannot express an empty list as such.

        Raises:
            InputError: The value must be a list of strings and is not.
        """
        if not isinstance(self.default, tuple):
            return value
        names = () if value is None else value
        if not isinstance(names, list | tuple) or not all(isinstance(one, str) for one in names):
            raise InputError(f'{self.name} must be a list of strings, got {value!r}')
        return tuple(one for one in names if one)

    def check(self, value: object) -> object:
        """Return a normalized value in the type of the parameter.

        Raises:
            InputError: It is of another type, out of range, or none of the choices.
        """
        kind = type(self.default)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise InputError(f'{self.name} must be of type {kind.__name__}, got {value!r}')
        if self.range and not self.range[0] <= value <= self.range[1]:  # type: ignore[operator]
            low, high = self.range
            raise InputError(f'{self.name} must be from {low:g} to {high:g}, got {value!r}')
        if self.choices and value not in self.choices:
            raise InputError(
                f'{self.name} must be one of {", ".join(self.choices)}, got {value!r}'
            )
        return value


def parameter(
    default: bool | float | str | tuple[str, ...],
    description: str,
    range: tuple[float, float] | None = None,
    choices: tuple[str, ...] = (),
    when: When = When.ALWAYS,
) -> Any:  # noqa: ANN401 - a field of any type
    """Declare a field as a parameter.

    Args:
        default: Default of the parameter.
        description: Meaning and unit.
        range: Smallest and largest number; None for what is no number.
        choices: Strings that are allowed; empty: those of the ``Literal`` type, else all.
        when: When it may be changed.
    """
    row = Row('', default, description, range, choices, when)
    return dataclasses.field(default=default, metadata={ROW: row})


def list_rows(settings: type, prefix: str = '') -> tuple[Row, ...]:
    """Return all parameters that a dataclass declares, those of the dataclasses in it included.

    Args:
        settings: The dataclass.
        prefix: Beginning of the names of the parameters.
    """
    rows: list[Row] = []
    types = get_type_hints(settings)
    for field in dataclasses.fields(settings):
        name, kind = prefix + field.name, types[field.name]
        if is_dataclass(kind):
            rows += list_rows(kind, f'{name}.')  # type: ignore[arg-type]
        else:
            row: Row = field.metadata[ROW]
            choices = get_args(kind) if get_origin(kind) is Literal else row.choices
            rows.append(dataclasses.replace(row, name=name, choices=choices))
    return tuple(rows)


def replace_values(settings: Group, values: Mapping[str, object]) -> Group:
    """Return a copy of settings in which some parameters are different.

    Args:
        settings: Settings that stay as they are.
        values: New values by the full names of their parameters.
    """
    changes: dict[str, Any] = {}
    groups: dict[str, dict[str, object]] = defaultdict(dict)
    for name, value in values.items():
        group, _, inner = name.rpartition('.')
        (groups[group] if group else changes)[inner] = value
    for group, inner_values in groups.items():
        changes[group] = replace_values(getattr(settings, group), inner_values)
    changed: Group = dataclasses.replace(settings, **changes)  # type: ignore[type-var]
    return changed
