"""Frozen dataclasses from plain values, as they come out of YAML and JSON, checked by type."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import yaml

from yolact_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.abc import Traversable

MOST_VALUES = 100_000  # of a YAML file; a few aliases of aliases stand for billions

Record = TypeVar('Record')


def build_record(cls: type[Record], values: object, where: str) -> Record:
    """Build a dataclass, and the dataclasses inside it, from a mapping.

    Args:
        cls: Dataclass to be built.
        values: Keys and values; lists become tuples, and integers floats where need be.
        where: Where the values come from, for error texts.

    Raises:
        InputError: A key is unknown or missing, or a value is not of its field's type.
    """
    if not isinstance(values, dict):
        raise InputError(f'{where} must hold keys and values, got {values!r}')
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - set(fields), key=str):
        raise InputError(f'{where}: key must be one of {", ".join(fields)}, got {unknown[0]!r}')
    required = {name for name, field in fields.items() if _is_required(field)}
    if missing := sorted(required - set(values)):
        raise InputError(f'{where}: key {missing[0]!r} must be given')
    kinds = get_type_hints(cls)
    return cls(
        **{key: _convert(value, kinds[key], f'{where}: {key}') for key, value in values.items()}
    )


def check_fields(record: object, rules: Mapping[str, bool]) -> None:
    """Refuse a dataclass with a value outside its range.

    Args:
        record: Dataclass to check.
        rules: Rules such as ``top_k must be at least 1``, each beginning with the name of a
            field, and whether they hold.

    Raises:
        InputError: A rule does not hold; the text says what was found.
    """
    for rule, holds in rules.items():
        if not holds:
            raise InputError(f'{rule}, got {getattr(record, rule.split()[0])!r}')


def read_yaml(path: Path | Traversable) -> dict[str, Any]:
    """Read a YAML file that holds keys and values.

    Raises:
        InputError: It cannot be read or holds something else.
    """
    try:
        values = parse_yaml(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise InputError(f'{path} must be a readable YAML file: {error}') from error
    if not isinstance(values, dict):
        raise InputError(f'{path} must hold keys and values, got {type(values).__name__}')
    return values


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return the plain values that JSON stands for.

    Raises:
        InputError: It is no JSON, or nested too deeply; the text is the reason alone.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(str(error)) from error


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - any YAML
    """Return the plain values that YAML stands for.

    Raises:
        InputError: It is no YAML, or stands for far too many values; the text is the reason alone.
    """
    try:
        values: object = yaml.safe_load(text)
    except Exception as error:  # of yaml, and whatever its constructors stumble over
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise InputError(reason) from error
    count, left = 0, [values]
    while left:
        value = left.pop()
        left += value.values() if isinstance(value, dict) else ()
        left += value if isinstance(value, list | tuple | set) else ()
        count += 1
        if count + len(left) > MOST_VALUES:
            raise InputError(f'it must hold at most {MOST_VALUES} values, aliases included')
    return values


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _convert(value: object, kind: Any, where: str) -> object:  # noqa: ANN401 - a type
    if dataclasses.is_dataclass(kind):
        return value if isinstance(value, kind) else build_record(kind, value, where)  # type: ignore[arg-type]
    origin = get_origin(kind)
    if origin is tuple:
        return _convert_items(value, get_args(kind), where)
    if origin is Literal:
        return _convert_choice(value, get_args(kind), where)
    if origin in (Union, UnionType):
        return _convert_optional(value, get_args(kind), where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f'{where} must be a finite number, got {value!r}')
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(f'{where} must be of type {kind.__name__}, got {value!r}')
    return value


def _convert_items(value: object, kinds: tuple[Any, ...], where: str) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise InputError(f'{where} must be a list, got {value!r}')
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(value) != len(kinds):
        raise InputError(f'{where} must have {len(kinds)} items, got {len(value)}')
    return tuple(_convert(item, kind, where) for item, kind in zip(value, kinds, strict=True))


def _convert_choice(value: object, choices: tuple[Any, ...], where: str) -> object:
    if value not in choices:
        raise InputError(f'{where} must be one of {", ".join(map(str, choices))}, got {value!r}')
    return value


def _convert_optional(value: object, kinds: tuple[Any, ...], where: str) -> object:
    if value is None and NoneType in kinds:
        return None
    (kind,) = (kind for kind in kinds if kind is not NoneType)
    return _convert(value, kind, where)
