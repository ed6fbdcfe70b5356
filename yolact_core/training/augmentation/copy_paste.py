"""Objects of one image in front of another (Ghiasi et al., Simple Copy-Paste, CVPR 2021)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.dataset.sample import Sample
from yolact_core.training.augmentation.rendering import mask_boxes

LEAST_VISIBLE = 0.1  # of an object's pixels; more hidden ones are dropped


def paste(sample: Sample, donor: Sample, generator: np.random.Generator) -> Sample:
    """Put a random half of another image's objects where they are, in front of this image.

    Args:
        sample: As read, uint8.
        donor: As read; stretched to the size of ``sample``.
        generator: Source of randomness.
    """
    donor = donor.select(~donor.is_crowd & (generator.random(len(donor)) < 0.5))
    if len(donor) == 0:
        return sample
    masks = _stretch(donor.masks, sample.size)
    in_front = np.any(masks, axis=0)
    donor_image = cv2.resize(donor.image, sample.size[::-1], interpolation=cv2.INTER_LINEAR)
    behind = _hide(sample, in_front)
    return Sample(
        image=np.where(in_front[..., None], donor_image, sample.image),
        boxes=np.concatenate([behind.boxes, mask_boxes(masks)]),
        class_ids=np.concatenate([behind.class_ids, donor.class_ids]),
        masks=np.concatenate([behind.masks, masks]),
        is_crowd=np.concatenate([behind.is_crowd, donor.is_crowd]),
    )


def _stretch(masks: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    stretched = np.empty((len(masks), *size), dtype=np.uint8)
    for mask, target in zip(masks, stretched, strict=True):
        cv2.resize(mask, size[::-1], dst=target, interpolation=cv2.INTER_NEAREST)
    return stretched


def _hide(sample: Sample, in_front: npt.NDArray[np.bool_]) -> Sample:
    """Take hidden pixels off the masks, fit their boxes, and drop what hardly can be seen."""
    visible = sample.masks * ~in_front
    area, before = visible.sum(axis=(1, 2)), sample.masks.sum(axis=(1, 2))
    boxes = np.where((area < before)[:, None], mask_boxes(visible), sample.boxes)
    is_seen = (area > LEAST_VISIBLE * before) | sample.is_crowd
    hidden = Sample(sample.image, boxes, sample.class_ids, visible, sample.is_crowd)
    return hidden.select(is_seen)
