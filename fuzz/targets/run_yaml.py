"""Files that describe trainings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random

from fuzz.yaml import mutate_yaml
from yolact_core.training.options import load_run

RUN = b"""
data: {train: a.json, images: images, mask_size: 40, workers: 0}
output: out/run
model:
  weights: indoor
  input_size: 128
  freeze: [backbone]
  anchors: {scales: [[24], [48], [96], [192], [384]], aspect_ratios: [1.0, 0.5]}
loss: {box: 1.5}
optimizer: {learning_rate: 1.0e-3}
schedule: {steps: 3, warmup_steps: 1}
augmentation: {mirror: 0.5}
batch_size: 2
"""


def seeds() -> Iterable[bytes]:
    """Return a file with a value of each kind."""
    yield RUN


def mutate(data: bytes, random: Random) -> bytes:
    """Change values."""
    return mutate_yaml(data, random)


def run(data: bytes, folder: Path) -> None:
    """Read the options of a training."""
    path = folder / 'run.yaml'
    path.write_bytes(data)
    load_run(path)
