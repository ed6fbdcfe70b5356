"""What each variant is given to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.benchmark.variants import CANDIDATES, INSTANCES
from yolact_core.media.image_files import read_image
from yolact_core.runtimes.export import find_images

Image = npt.NDArray[np.uint8]

DRAWN, READ = 8, 32  # images
COARSE = 40  # pixels of a drawn image that one random colour spans


@dataclass(frozen=True)
class Workload:
    """What each variant is given to do.

    Args:
        images: RGB images, each of shape (H, W, 3), taken in turn.
        candidates: Number of priors that NMS looks at, whatever the network predicts; None: those
            that the network finds.
        instances: Number of objects that these priors show; None: those that the network finds.
    """

    images: tuple[Image, ...]
    candidates: int | None = CANDIDATES
    instances: int | None = INSTANCES

    def __str__(self) -> str:
        sizes = sorted({f'{image.shape[1]}x{image.shape[0]}' for image in self.images})
        named = sizes[0] if len(sizes) == 1 else f'{len(sizes)} sizes'
        if self.instances is None:
            return f'{len(self.images)} images of {named}, what the models find'
        return f'{named}, {self.instances} instances of {self.candidates} candidates'


def draw_images(size: tuple[int, int], count: int = DRAWN) -> tuple[Image, ...]:
    """Draw smooth colourful images.

    Args:
        size: Height and width in pixels.
        count: Number of images.
    """
    height, width = size
    generator = np.random.default_rng(0)
    shape = (-(-height // COARSE), -(-width // COARSE), 3)
    return tuple(
        np.asarray(
            cv2.resize(
                generator.integers(0, 256, shape, dtype=np.uint8),
                (width, height),
                interpolation=cv2.INTER_CUBIC,
            ),
            dtype=np.uint8,
        )
        for _ in range(count)
    )


def read_images(folder: Path) -> tuple[Image, ...]:
    """Read images evenly from a folder, as many as are enough to measure on.

    Raises:
        InputError: There is none, or one cannot be read.
    """
    return tuple(read_image(path) for path in find_images(folder, READ))
