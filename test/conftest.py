"""What tests share: the golden numbers, and weights made from names."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[1]


GOLDEN = Path(os.environ.get('YOLACT_GOLDEN', ROOT.parent / 'shared' / 'golden'))


def golden_file(name: str) -> Path:
    """Return a file of the golden numbers, which lie outside the repository, or skip the test."""
    if not (GOLDEN / name).is_file():
        pytest.skip(f'golden numbers are not at {GOLDEN}; name their folder in YOLACT_GOLDEN')
    return GOLDEN / name


@pytest.fixture(scope='session')
def golden() -> Callable[[str], Mapping[str, Any]]:
    """Load one file of the golden numbers."""

    def load(name: str) -> Mapping[str, Any]:
        with np.load(golden_file(f'{name}.npz')) as arrays:
            return dict(arrays)

    return load


@pytest.fixture
def golden_classes() -> dict[str, Any]:
    """Load the golden table of classes."""
    return json.loads(golden_file('classes.json').read_text())


@pytest.fixture(scope='session')
def official_weights() -> Callable[[Mapping[str, Any]], dict[str, torch.Tensor]]:
    """Make the weights that golden numbers were computed with, from their names and shapes."""

    def make(numbers: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        shapes = json.loads(str(numbers['state_shapes']))
        multipliers = json.loads(str(numbers['meta']))['mult']
        weights = {
            key: torch.from_numpy(weight_from_name(key, shape, multipliers.get(key, 1.0)))
            for key, shape in shapes.items()
        }
        prefix = 'override__'
        for name in numbers:
            if name.startswith(prefix):
                weights[name.removeprefix(prefix)] = torch.from_numpy(numbers[name])
        return weights

    return make


def weight_from_name(key: str, shape: list[int], multiplier: float = 1.0) -> np.ndarray:
    """Draw one weight from a generator that its own name seeds."""
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    leaf = key.rsplit('.', 1)[-1]
    if leaf == 'num_batches_tracked':
        return np.zeros(shape, dtype=np.int64)
    if leaf == 'running_var' or (leaf == 'weight' and len(shape) == 1):
        return generator.uniform(0.5, 1.5, shape).astype(np.float32)
    if leaf in ('running_mean', 'bias'):
        return (0.1 * generator.standard_normal(shape)).astype(np.float32)
    fan_in = np.prod(shape[1:])
    return (generator.standard_normal(shape) * (multiplier / np.sqrt(fan_in))).astype(np.float32)
