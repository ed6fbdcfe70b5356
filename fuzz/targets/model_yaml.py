"""Configurations of networks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random

import yaml

from fuzz.models import tiny_config
from fuzz.yaml import mutate_yaml
from yolact_core.config import ModelConfig
from yolact_core.network import build_network


def seeds() -> Iterable[bytes]:
    """Return a whole configuration."""
    mapping = tiny_config().to_mapping()
    yield yaml.safe_dump(_to_lists(mapping)).encode()


def mutate(data: bytes, random: Random) -> bytes:
    """Change values."""
    return mutate_yaml(data, random)


def run(data: bytes, folder: Path) -> None:
    """Build a network."""
    path = folder / 'model.yaml'
    path.write_bytes(data)
    build_network(ModelConfig.from_file(path))


def _to_lists(value: object) -> object:
    if isinstance(value, dict):
        return {key: _to_lists(one) for key, one in value.items()}
    return [_to_lists(one) for one in value] if isinstance(value, tuple) else value
