"""What tests share: the golden numbers, and weights made from names."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings
from parity import overrides_in, weights_from_names

ROOT = Path(__file__).parents[1]

settings.register_profile('anywhere', deadline=None)  # a busy machine is no error
settings.register_profile('ci', deadline=None, derandomize=True)  # nor is bad luck
settings.load_profile('ci' if os.environ.get('CI') else 'anywhere')

os.environ['YOLACT_BACKEND'] = 'torch'  # measuring others for each small model would take minutes

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
        return weights_from_names(shapes, multipliers, overrides_in(numbers))

    return make
