"""The pictures that annotations belong to, turned as the annotations mean it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.media.image_files import read_header, read_image
from yolact_core.media.image_headers import UPRIGHT, ImageHeader, Orientation

Size = tuple[int, int]


def read_annotated_image(
    path: Path, size: Size, orientation: Orientation = 'auto'
) -> npt.NDArray[np.uint8]:
    """Read the image that annotations of a known size belong to.

    Args:
        path: The file.
        size: Height and width in pixels that the annotations are for.
        orientation: Whether they are for the pixels as ``stored`` or, by EXIF's orientation,
            ``upright``. With ``auto`` the size tells and, where both have it, they are as stored.

    Returns:
        RGB, shape (H, W, 3).

    Raises:
        InputError: It cannot be read or is of another size.
    """
    header = read_annotated_header(path, size, orientation)
    return read_image(path, turn_upright=_is_turned(header, size, orientation))


def read_annotated_header(
    path: Path, size: Size, orientation: Orientation = 'auto'
) -> ImageHeader:
    """Read the header of the image that annotations belong to; for arguments see above.

    Raises:
        InputError: It cannot be read or is of another size.
    """
    header = read_header(path)
    is_turned = _is_turned(header, size, orientation)
    height, width = found = header.upright_size if is_turned else header.size
    if found != size:
        raise InputError(
            f'{path} must be {size[1]} x {size[0]} pixels, as its annotations say, '
            f'got {width} x {height}'
        )
    return header


def is_ambiguous(header: ImageHeader, size: Size, orientation: Orientation) -> bool:
    """Return whether nothing tells if annotations are for stored or upright pixels."""
    fits_both_ways = header.size == header.upright_size == size
    return orientation == 'auto' and header.orientation != UPRIGHT and fits_both_ways


def _is_turned(header: ImageHeader, size: Size, orientation: Orientation) -> bool:
    if orientation == 'auto':
        return header.size != size == header.upright_size
    return orientation == 'upright'
