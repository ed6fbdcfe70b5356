"""COCO-format data sets as samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from yolact_core.dataset.annotations import read_annotations, xywh_to_corners
from yolact_core.dataset.sample import Sample
from yolact_core.dataset.segmentation import NOTHING, decode_masks
from yolact_core.errors import InputError
from yolact_core.media.image_files import read_image


class CocoDataset(Dataset[Sample]):
    """The images of a COCO-format file with their truth.

    Annotations whose box or segmentation has no extent are left out of samples.
    ``yolact dataset check`` names them.

    Args:
        annotations: The JSON file; ids may have gaps, segmentations be polygons or either kind
            of RLE.
        images: The folder that file names are relative to.
        class_names: Order of the classes; default: the file's categories, sorted by their ids.

    Raises:
        InputError: The file cannot be read, or something in it does not fit together.
    """

    def __init__(
        self, annotations: Path, images: Path, class_names: tuple[str, ...] | None = None
    ) -> None:
        self.path = Path(annotations)
        self.folder = Path(images)
        self.annotations = read_annotations(self.path, class_names)

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
        boxes = _clip_corners(annotations.boxes[chosen], size)
        has_extent = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        has_extent &= annotations.segmentations.kinds[chosen] != NOTHING
        chosen = chosen[has_extent]
        rles = [annotations.segmentations.rle(int(item), size) for item in chosen]
        return Sample(
            image=self.read_image(index),
            boxes=boxes[has_extent],
            class_ids=annotations.class_ids[chosen],
            masks=decode_masks(rles, size),
            is_crowd=annotations.is_crowd[chosen],
        )

    def read_image(self, index: int) -> npt.NDArray[np.uint8]:
        """Return one image alone, RGB, shape (H, W, 3).

        Raises:
            InputError: It cannot be read or is of another size than the file says.
        """
        return read_annotated_image(self.image_path(index), self.annotations.size(index))

    def image_path(self, index: int) -> Path:
        """Return the file of one image."""
        file_name: bytes = self.annotations.file_names[index]
        return self.folder / file_name.decode()


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


def _clip_corners(
    boxes_xywh: npt.NDArray[np.float64], size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Turn boxes as COCO writes them into corners within the image."""
    height, width = size
    return xywh_to_corners(boxes_xywh).clip(0, [width, height, width, height]).astype(np.float32)
