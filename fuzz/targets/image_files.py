"""Pictures in files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random

from fuzz.pictures import mutate_picture, small_pictures
from yolact_core.media.image_files import read_header, read_image


def seeds() -> Iterable[bytes]:
    """Return small pictures."""
    return small_pictures()


def mutate(data: bytes, random: Random) -> bytes:
    """Change a picture."""
    return mutate_picture(data, random)


def run(data: bytes, folder: Path) -> None:
    """Read a picture, whose size must be that of its header."""
    path = folder / 'picture'
    path.write_bytes(data)
    header = read_header(path)
    image = read_image(path, turn_upright=False)
    if image.shape[:2] != header.size:
        raise AssertionError(f'header says {header.size}, got {image.shape}')
