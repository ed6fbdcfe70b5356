"""Pictures with outlines, as annotation tools write them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yolact_core.errors import InputError
from yolact_core.media.image_files import IMAGE_SUFFIXES

Outline = list[list[float]] | dict[str, Any]  # a ``segmentation`` of COCO


@dataclass(frozen=True)
class LabelledPicture:
    """A picture with its outlines.

    Args:
        name: Path of the picture below the folder of images.
        size: Height and width in pixels, upright.
        objects: Label and outline of each object.
        left_out: How many outlines cannot be objects, by the reason.
    """

    name: str
    size: tuple[int, int]
    objects: list[tuple[str, Outline]]
    left_out: Counter[str] = field(default_factory=Counter)


def find_picture(images: Path, relative: Path, told: str) -> Path:
    """Return the picture of a file of labels.

    Args:
        images: Folder of the pictures.
        relative: Path of the file of labels below its own folder.
        told: Name of the picture that the labels tell; empty where they tell none.

    Raises:
        InputError: It is not there.
    """
    names = [told] if told else [relative.stem + suffix for suffix in sorted(IMAGE_SUFFIXES)]
    for folder in (images / relative.parent, images):
        for name in names:
            if (folder / name).is_file():
                return folder / name
    raise InputError(f'its picture {told or relative.stem} must be in {images}')
