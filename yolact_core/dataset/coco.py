"""COCO-format data sets as samples."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from yolact_core.dataset.annotations import (
    read_annotations,
    reorder_classes,
    xywh_to_corners,
)
from yolact_core.dataset.pictures import read_annotated_image
from yolact_core.dataset.sample import Sample
from yolact_core.dataset.segmentation import decode_masks
from yolact_core.media.image_headers import Orientation


class CocoDataset(Dataset[Sample]):
    """The images of a COCO-format file with their truth.

    Objects whose box or segmentation has no extent are left out, which is logged.
    ``yolact dataset check`` names them.

    Args:
        annotations: The JSON file; ids may have gaps, segmentations be polygons or either kind
            of RLE.
        images: The folder that file names are relative to.
        class_names: Order of the classes; default: the file's categories, sorted by their ids.
        orientation: Whether annotations are for the pixels as ``stored`` or, by EXIF's
            orientation, ``upright``; ``auto``: as the file says or, where it does not, by size.

    Raises:
        InputError: The file cannot be read, or something in it is not as it must be.
    """

    def __init__(
        self,
        annotations: Path,
        images: Path,
        class_names: tuple[str, ...] | None = None,
        orientation: Orientation = 'auto',
    ) -> None:
        self.path = Path(annotations)
        self.folder = Path(images)
        self.annotations = read_annotations(self.path, class_names)
        self.orientation = self.annotations.orientation_or(orientation)

    def with_classes(self, class_names: tuple[str, ...]) -> CocoDataset:
        """Return the same data with another order of the classes, or further ones.

        Raises:
            InputError: A class of the data is missing.
        """
        other = copy.copy(self)
        other.annotations = reorder_classes(self.annotations, class_names)
        return other

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class, in the order of class ids."""
        return self.annotations.class_names

    @property
    def category_ids(self) -> tuple[int, ...]:
        """The file's own id of each class."""
        return self.annotations.category_ids

    def __len__(self) -> int:
        return len(self.annotations.image_ids)

    def __getitem__(self, index: int) -> Sample:
        """Return one image with its truth.

        Raises:
            InputError: The image cannot be read or is of another size than the file says.
        """
        index = range(len(self))[index]
        annotations, size = self.annotations, self.annotations.size(index)
        chosen = annotations.of_image(index)
        rles = [annotations.segmentations.rle(int(item), size) for item in chosen]
        return Sample(
            image=self.read_image(index),
            boxes=_clip_corners(annotations.boxes[chosen], size),
            class_ids=annotations.class_ids[chosen],
            masks=decode_masks(rles, size),
            is_crowd=annotations.is_crowd[chosen],
        )

    def read_image(self, index: int) -> npt.NDArray[np.uint8]:
        """Return one image alone, RGB, shape (H, W, 3).

        Raises:
            InputError: It cannot be read or is of another size than the file says.
        """
        return read_annotated_image(
            self.image_path(index), self.annotations.size(index), self.orientation
        )

    def image_path(self, index: int) -> Path:
        """Return the file of one image."""
        return self.folder / self.annotations.file_name(index)


def _clip_corners(
    boxes_xywh: npt.NDArray[np.float64], size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Turn boxes as COCO writes them into corners within the image."""
    height, width = size
    return xywh_to_corners(boxes_xywh).clip(0, [width, height, width, height]).astype(np.float32)
