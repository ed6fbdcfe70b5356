"""Pictures out of packages: which packages a file lists, and their pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.packages import Package
from yolact_core.records import build_record, read_yaml

Source = TypeVar('Source', bound=Package)


def read_sources(path: Path, kind: type[Source]) -> list[Source]:
    """Return the packages that a YAML file lists.

    Args:
        path: The file.
        kind: What each of its entries describes.

    Raises:
        InputError: It is no such file.
    """
    entries = read_yaml(path)['sources']
    return [build_record(kind, entry, f'{path}: {entry.get("name")}') for entry in entries]


def decode(content: bytes) -> NDArray[np.uint8] | None:
    """Return the pixels of a picture file, RGB, shape (H, W, 3); None: it is no picture."""
    bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return None if bgr is None else np.asarray(bgr[..., ::-1], np.uint8)


def shrink(image: NDArray[np.uint8], most_side: int) -> NDArray[np.uint8]:
    """Return an image with no side longer than so many pixels."""
    scale = most_side / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(round(side * scale), 1) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
