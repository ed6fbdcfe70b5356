"""Reading the images that annotations belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.media.image_files import read_image


def read_annotated_image(path: Path, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Read the image that annotations of a known size belong to.

    Some annotation tools turn photos as their orientation tag says and others do not. Where both
    sizes would do, the pixels are taken as they are stored, as COCO does.

    Args:
        path: The file.
        size: Height and width in pixels that the annotations are for.

    Returns:
        RGB, shape (H, W, 3).

    Raises:
        InputError: It cannot be read or is of another size.
    """
    image = read_image(path, turn_upright=False)
    if image.shape[:2] == size[::-1] != size:
        image = read_image(path)
    if image.shape[:2] != size:
        raise InputError(
            f'{path} must be {size[1]} x {size[0]} pixels, as its annotations say, '
            f'got {image.shape[1]} x {image.shape[0]}'
        )
    return image
