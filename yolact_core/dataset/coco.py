"""COCO-format data sets as samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from yolact_core.dataset.annotations import read_annotations
from yolact_core.dataset.images import read_annotated_image
from yolact_core.dataset.sample import Sample
from yolact_core.dataset.segmentation import NOTHING, decode_masks

if TYPE_CHECKING:
    from collections.abc import Callable

    Transform = Callable[[Sample, np.random.Generator], Sample]


class CocoDataset(Dataset[Sample]):
    """The images of a COCO-format file with their truth.

    Annotations whose box or segmentation has no extent are left out of samples.
    ``yolact dataset check`` names them.

    Args:
        annotations: The JSON file; ids may have gaps, segmentations be polygons or either RLE.
        images: The folder that file names are relative to.
        transform: Applied to each sample, with a generator of its own.
        seed: With epoch and index, of that generator.
        class_names: Order of the classes; default: the file's categories, sorted by their ids.

    Raises:
        InputError: The file cannot be read, or something in it does not fit together.
    """

    def __init__(
        self,
        annotations: Path,
        images: Path,
        transform: Transform | None = None,
        seed: int = 0,
        class_names: tuple[str, ...] | None = None,
    ) -> None:
        self.path = Path(annotations)
        self.folder = Path(images)
        self.annotations = read_annotations(self.path, class_names)
        self._transform = transform
        self._seed = seed
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # workers see it change

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
        """Return one sample; with a transform, always the same one within an epoch.

        Raises:
            InputError: Its image cannot be read or is of another size than the file says.
        """
        index = range(len(self))[index]
        sample = self._read(index)
        if self._transform is None:
            return sample
        generator = np.random.default_rng([self._seed, int(self._epoch), index])
        return self._transform(sample, generator)

    def set_epoch(self, epoch: int) -> None:
        """Give every sample new randomness, in worker processes too."""
        self._epoch.fill_(epoch)

    def read_image(self, index: int) -> npt.NDArray[np.uint8]:
        """Return one image alone, RGB, shape (H, W, 3).

        Raises:
            InputError: It cannot be read or is of another size than the file says.
        """
        file_name = self.annotations.file_names[index].decode()
        return read_annotated_image(self.folder / file_name, self.annotations.size(index))

    def _read(self, index: int) -> Sample:
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


def _clip_corners(
    boxes_xywh: npt.NDArray[np.float64], size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Turn boxes as COCO writes them into corners within the image."""
    height, width = size
    low, extent = np.split(boxes_xywh, 2, axis=1)
    corners = np.concatenate([low, low + extent], axis=1)
    return corners.clip(0, [width, height, width, height]).astype(np.float32)
