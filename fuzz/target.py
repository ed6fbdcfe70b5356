"""What a target offers, and which there are."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Protocol, cast

TARGETS = (
    'images',
    'compressed_images',
    'image_files',
    'videos',
    'masks',
    'coco',
    'pth',
    'safetensors',
    'model_yaml',
    'run_yaml',
    'mcap',
    'db3',
)


class Target(Protocol):
    """A module that reads one kind of input.

    ``InputError`` is the right answer to bad input; any other exception is a finding.
    """

    def seeds(self) -> Iterable[bytes]:
        """Return small good inputs, made by code, always the same ones."""

    def mutate(self, data: bytes, random: Random) -> bytes:
        """Return an input that differs a little, best where that is worth most.

        Args:
            data: Any input.
            random: Source of all randomness.
        """

    def run(self, data: bytes, folder: Path) -> None:
        """Let the project read an input.

        Args:
            data: Any input.
            folder: Empty folder, the only one that may be written to.
        """


def load_target(name: str) -> Target:
    """Return a target.

    Args:
        name: One of ``TARGETS``.
    """
    return cast('Target', import_module(f'fuzz.targets.{name}'))
