"""What was found in one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from yolact_core.masks.instance_masks import Index, InstanceMasks


@dataclass(frozen=True)
class Detections:
    """The instances found in one image, best score first, in that image's own pixels.

    Args:
        boxes: Corners x1 y1 x2 y2 within the image, float32, shape (N, 4).
        scores: Class score in (0, 1], float32, shape (N,).
        mask_scores: Score of the mask: that of the class, with YOLACT++ times the mask's
            predicted IoU, which may push it above 1. Float32, shape (N,).
        class_ids: Class of each instance, 0-based, int64, shape (N,).
        coefficients: Coefficients of the prototypes, in [-1, 1], float32, shape (N, K).
        masks: One mask per instance.
        all_class_names: Name of each class that the network knows.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    mask_scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int64]
    coefficients: npt.NDArray[np.float32]
    masks: InstanceMasks
    all_class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: Index) -> Detections:
        """Return some of the detections, picked by a slice, indices or a boolean array."""
        return Detections(
            boxes=self.boxes[index],
            scores=self.scores[index],
            mask_scores=self.mask_scores[index],
            class_ids=self.class_ids[index],
            coefficients=self.coefficients[index],
            masks=self.masks[index],
            all_class_names=self.all_class_names,
        )

    @property
    def class_names(self) -> list[str]:
        """Name of each instance's class."""
        return [self.all_class_names[class_id] for class_id in self.class_ids.tolist()]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        return self.masks.size
