"""One training image with its truth, and the truth of a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from yolact_core.masks.instance_masks import InstanceMasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Index = slice | npt.NDArray[np.bool_] | npt.NDArray[np.int64]
    Transform = Callable[['Sample', np.random.Generator], 'Sample']


@dataclass(frozen=True)
class Sample:
    """One training image with its truth.

    Args:
        image: RGB, shape (H, W, 3); uint8 as read, float32 in about [0, 255] once augmented.
        boxes: Corners x1 y1 x2 y2 in pixels of the image, float32, shape (N, 4).
        class_ids: Class of each object, 0-based, int64, shape (N,).
        masks: Mask of each object, as large as the image, or coarser where a transform makes
            them so.
        is_crowd: Whether it marks a group of objects, which neither finding nor missing counts
            for, shape (N,).
    """

    image: npt.NDArray[Any]
    boxes: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int64]
    masks: InstanceMasks
    is_crowd: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        return self.image.shape[0], self.image.shape[1]

    def select(self, index: Index) -> Sample:
        """Return the image with some of its objects only."""
        if isinstance(index, np.ndarray) and index.dtype == np.bool_ and index.all():
            return self  # mostly all are wanted
        return replace(
            self,
            boxes=self.boxes[index],
            class_ids=self.class_ids[index],
            masks=self.masks[index],
            is_crowd=self.is_crowd[index],
        )


@dataclass(frozen=True)
class Targets:
    """The truth of a batch, image by image.

    Args:
        boxes: Corners as fractions of the image, without crowds, float32, each (N, 4).
        class_ids: Class of each object, 0-based, int64, each (N,).
        masks: 0 or 1, uint8, each (N, H, W).
        crowd_boxes: Corners as fractions of the image, float32, each (M, 4).
    """

    boxes: list[Tensor]
    class_ids: list[Tensor]
    masks: list[Tensor]
    crowd_boxes: list[Tensor]

    def __len__(self) -> int:
        return len(self.boxes)

    def to(self, device: torch.device | str) -> Targets:
        """Return the same truth on a device; copies from pinned memory do not wait."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Targets:
        """Return the same truth in pinned memory, as a ``DataLoader`` asks for it."""
        return self._map(Tensor.pin_memory)

    def _map(self, function: Callable[[Tensor], Tensor]) -> Targets:
        return Targets(*([function(tensor) for tensor in part] for part in vars(self).values()))


def collate(samples: Sequence[Sample]) -> tuple[Tensor, Targets]:
    """Make a batch of samples of one size.

    Args:
        samples: Samples of one size, as an augmentation makes them.

    Returns:
        Images, RGB in about [0, 255], not normalized, of the samples' type, shape (B, 3, S, S),
        channels-last in memory; and their truth.
    """
    images = torch.from_numpy(np.stack([sample.image for sample in samples]))
    real = [sample.select(~sample.is_crowd) for sample in samples]
    crowds = [sample.select(sample.is_crowd) for sample in samples]
    return images.permute(0, 3, 1, 2), Targets(
        boxes=[_relative_boxes(sample) for sample in real],
        class_ids=[torch.from_numpy(sample.class_ids) for sample in real],
        masks=[torch.from_numpy(sample.masks.dense().view(np.uint8)) for sample in real],
        crowd_boxes=[_relative_boxes(sample) for sample in crowds],
    )


def _relative_boxes(sample: Sample) -> Tensor:
    height, width = sample.size
    return torch.from_numpy(sample.boxes / np.array([width, height] * 2, dtype=np.float32))
