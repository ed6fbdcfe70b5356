"""Checkpoints of our own: a head in JSON, in which more JSON lies, and numbers.

An input is the head alone. The numbers behind it, some two megabytes, are always the same.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import torch

from fuzz.models import tiny_config
from fuzz.mutation import mutate_bytes, mutate_tree
from yolact_core.checkpoints.checkpoint import load_network, save_checkpoint
from yolact_core.network import build_network

HEAD = 8  # bytes that tell the length of the JSON
METADATA = '__metadata__'
INNER = ('config', 'facts')


def seeds() -> Iterable[bytes]:
    """Return the head of a small model."""
    yield _split_model()[0]


def mutate(data: bytes, random: Random) -> bytes:
    """Change the configuration, the facts, or the list of weights."""
    length = int.from_bytes(data[:HEAD], 'little')
    try:
        head = json.loads(data[HEAD : HEAD + length])
        if random.random() < 0.1:
            return mutate_bytes(data, random)
        head = _mutate_head(head, random)
    except (ValueError, TypeError, RecursionError):
        return mutate_bytes(data, random)
    text = json.dumps(head).encode()
    return len(text).to_bytes(HEAD, 'little') + text + data[HEAD + length :]


def run(data: bytes, folder: Path) -> None:
    """Load a network."""
    path = folder / 'weights.safetensors'
    path.write_bytes(data + _split_model()[1])
    load_network(path)


@cache
def _split_model() -> tuple[bytes, bytes]:
    """Return the head and the numbers of a whole small model."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'tiny.safetensors'
        save_checkpoint(build_network(tiny_config()), path)
        data = path.read_bytes()
    end = HEAD + int.from_bytes(data[:HEAD], 'little')
    return data[:end], data[end:]


def _mutate_head(head: Any, random: Random) -> Any:  # noqa: ANN401 - any JSON
    name = random.choice(INNER)
    metadata = head.get(METADATA) if isinstance(head, dict) else None
    if not isinstance(metadata, dict) or name not in metadata or random.random() < 0.2:
        return mutate_tree(head, random)
    inner = json.dumps(mutate_tree(json.loads(metadata[name]), random))
    return {**head, METADATA: {**metadata, name: inner}}
