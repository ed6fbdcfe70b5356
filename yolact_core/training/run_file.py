"""Reading the YAML file of a run, with changes from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from yolact_core.errors import InputError
from yolact_core.records import build_record, read_yaml
from yolact_core.training.options import RunConfig


def load_run(path: str | Path, changes: Sequence[str] = ()) -> RunConfig:
    """Read a run.

    Args:
        path: The YAML file.
        changes: Such as ``optimizer.learning_rate=0.01``; the values are YAML.

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
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = ' '.join(str(error).split())
        raise InputError(f'value of {key} must be YAML, got {text!r}: {reason}') from error
    if isinstance(value, str) and _is_number(value):
        return float(value)  # YAML 1.1 wants 1.0e-3 where people write 1e-3
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _set(values: dict[str, Any], key: str, value: object) -> None:
    *parents, name = key.split('.')
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise InputError(f'{key} must lie within keys and values, but {parent} is {values!r}')
    values[name] = value
