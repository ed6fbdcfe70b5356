"""Checkpoints whose weights are made up, for speed does not depend on them."""

from __future__ import annotations

from pathlib import Path

import torch

from yolact_core.checkpoints.checkpoint import save_checkpoint
from yolact_core.network import build_network


def save_random(config_name: str, folder: Path) -> Path:
    """Write a checkpoint of a configuration with random weights, always the same ones.

    Raises:
        InputError: There is no such configuration.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(config_name)
    path = folder / f'{config_name}.safetensors'
    save_checkpoint(network, path)
    return path
