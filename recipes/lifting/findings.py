"""Lifted objects beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recipes.lifting.boxes import (
    Numbers,
    UprightBox,
    smallest_upright,
    upright_around,
    upright_iou,
)
from recipes.lifting.views import View
from yolact_core.detections import Detections
from yolact_core.lifting import DepthImage, Objects, lift
from yolact_core.masks.instance_masks import InstanceMasks

LEAST, LEAST_SHARE = 0.02, 0.02  # m, and of the distance: what may be wrong about a place
ABOUT = 1.15  # areas up to this ratio are about the same


@dataclass(frozen=True)
class Finding:
    """How far a lifted object is from the truth; infinitely far where it was not lifted.

    Attributes:
        kind: Name of the object.
        distance: Distance of the visible surface in metres.
        error: Distance of the centroid from that of the visible surface in metres.
        iou: IoU of the box with the smallest upright one around the visible surface.
        whole_iou: IoU of the box with the one around the whole object.
        size_error: Largest error of a side of the box, as a share of the whole object's.
    """

    kind: str
    distance: float
    error: float
    iou: float
    whole_iou: float
    size_error: float

    @property
    def tolerance(self) -> float:
        """How far the centroid may be away in metres."""
        return tolerance_at(self.distance)


def tolerance_at(distance: float) -> float:
    """Return what may be wrong about a place in metres."""
    return max(LEAST, LEAST_SHARE * distance)


def find(
    view: View, depth: DepthImage, detections: Detections, indices: Sequence[int]
) -> list[Finding]:
    """Lift detections, and compare each with the truth.

    Sides of boxes that are shorter than the tolerance count as that long, those of the truth too:
    what is seen of a screen from the front has no depth, and of no volume there is no IoU.

    Args:
        view: What is truly seen.
        depth: What the camera measures.
        detections: What is lifted.
        indices: Object of the view that each detection is of.
    """
    rotation, position = view.camera_to_room[:3, :3], view.camera_to_room[:3, 3]
    objects = lift(detections, depth, view.rays, up=rotation[2])
    lifted = objects.transform(rotation, position)
    numbers = {row: number for number, row in enumerate(lifted.indices.tolist())}
    return [compare(view, index, lifted, numbers.get(row)) for row, index in enumerate(indices)]


def compare(view: View, index: int, lifted: Objects, number: int | None) -> Finding:
    """Return how far a lifted object is from the truth.

    Args:
        view: What is truly seen.
        index: Which object of the view it is.
        lifted: Lifted objects, in the room.
        number: Which of these it is; None where it was not lifted.
    """
    rotation, position = view.camera_to_room[:3, :3], view.camera_to_room[:3, 3]
    whole = view.wholes[index]
    surface = view.surface[view.masks[index]].astype(float) @ rotation.T + position
    middle = surface.mean(axis=0)
    distance = float(np.linalg.norm(middle - position))
    if number is None:
        return Finding(view.kinds[index], distance, np.inf, 0.0, 0.0, np.inf)
    box, least = to_box(lifted, number), tolerance_at(distance)
    seen = visible_box(surface, whole.yaw)
    return Finding(
        kind=view.kinds[index],
        distance=distance,
        error=float(np.linalg.norm(lifted.centroids[number] - middle)),
        iou=upright_iou(box.thickened(least), seen.thickened(least)),
        whole_iou=upright_iou(box.thickened(least), whole.thickened(least)),
        size_error=largest_size_error(box, whole),
    )


def visible_box(surface: Numbers, yaw: float) -> UprightBox:
    """Return the smallest upright box, or the one along the object where that is about as small.

    Args:
        surface: What is seen of the object, in the room, metres, shape (P, 3).
        yaw: Turn of the object about the vertical in radians.
    """
    smallest, along = smallest_upright(surface), upright_around(surface, yaw)
    is_about_as_small = along.size[:2].prod() <= ABOUT * smallest.size[:2].prod()
    return along if is_about_as_small else smallest


def to_box(objects: Objects, number: int) -> UprightBox:
    """Return the box of an object in the room."""
    _, _, z, w = objects.orientations[number].tolist()
    return UprightBox(objects.centres[number], objects.sizes[number], 2 * float(np.arctan2(z, w)))


def largest_size_error(box: UprightBox, whole: UprightBox) -> float:
    """Return the largest error of a side; which one is the width may be swapped."""
    sides, true = np.sort(box.size[:2]), np.sort(whole.size[:2])
    errors = np.append(sides / true, box.size[2] / whole.size[2]) - 1
    return float(np.abs(errors).max())


def to_detections(masks: NDArray[np.bool_]) -> Detections:
    """Return detections that have nothing but masks, shape (M, H, W)."""
    count, height, width = masks.shape
    return Detections(
        boxes=np.zeros((count, 4), np.float32),
        scores=np.ones(count, np.float32),
        mask_scores=np.ones(count, np.float32),
        class_ids=np.zeros(count, np.int64),
        coefficients=np.zeros((count, 0), np.float32),
        masks=InstanceMasks.from_dense(list(masks), (height, width)),
        all_class_names=('object',),
    )
