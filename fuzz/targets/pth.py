"""Checkpoints that ``torch.save`` wrote, altered inside of their archive."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Iterable
from pathlib import Path
from random import Random

import torch

from fuzz.models import tiny_config
from fuzz.mutation import mutate_bytes
from yolact_core.checkpoints.checkpoint import load_network


class _Command:
    """What a hostile pickle has: code that is to be run."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return print, ('a checkpoint ran code',)


def seeds() -> Iterable[bytes]:
    """Return weights in the present format and the old one, other contents, and code."""
    weights = {'fpn.lat_layers.0.weight': torch.zeros(2, 2), 'a': torch.ones(3)}
    for content in (weights, {'state_dict': weights}, [1, 2], {'a': weights['a'].to_sparse()}):
        yield _save(content)
    yield _save(weights, old=True)
    yield _save({'a': _Command()})
    yield pickle.dumps({'a': _Command()})


def mutate(data: bytes, random: Random) -> bytes:
    """Change a file in the archive, and pack it with the right checksum."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # of whatever the bytes lead to
        return mutate_bytes(data, random)
    if not files or random.random() < 0.2:
        return mutate_bytes(data, random)
    name = random.choice([name for name in files if name.endswith('.pkl')] * 5 + list(files))
    files[name] = mutate_bytes(files[name], random)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w') as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return packed.getvalue()


def run(data: bytes, folder: Path) -> None:
    """Load a network."""
    path = folder / 'weights.pth'
    path.write_bytes(data)
    load_network(path, tiny_config())


def _save(content: object, *, old: bool = False) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=not old)
    return file.getvalue()
