"""Instance masks from prototypes and coefficients."""

from __future__ import annotations

import torch
from torch import Tensor

from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.masks.tracing import trace_masks
from yolact_core.threads import single_thread

CROP_PADDING = 1  # prototype pixels that a mask may reach beyond its box


def combine_prototypes(prototypes: Tensor, coefficients: Tensor) -> Tensor:
    """Return each instance's mask logits, its combination of the prototypes (YOLACT, eq. 1).

    Args:
        prototypes: Prototypes of one image, shape (K, Hp, Wp).
        coefficients: Coefficients of each instance, shape (N, K).

    Returns:
        Mask logits, shape (N, Hp, Wp).
    """
    logits: Tensor = coefficients @ prototypes.flatten(1)
    return logits.view(-1, *prototypes.shape[1:])


def crop_bounds(boxes: Tensor, height: int, width: int, padding: int = CROP_PADDING) -> Tensor:
    """Return the first and the end column and row that belong to each box.

    Args:
        boxes: Corners as fractions of the image, in any order, shape (N, 4).
        height: Height of the mask grid.
        width: Width of the mask grid.
        padding: Grid pixels by which each box is enlarged on all sides.

    Returns:
        x1, y1, x2, y2 in grid pixels, not rounded: pixel j belongs to x1 <= j < x2. Shape (N, 4).
    """
    x, y = boxes[:, 0::2] * width, boxes[:, 1::2] * height  # (N, 2)
    low = [(side.amin(dim=1) - padding).clamp(min=0) for side in (x, y)]
    high = [
        (side.amax(dim=1) + padding).clamp(max=most) for side, most in ((x, width), (y, height))
    ]
    return torch.stack([*low, *high], dim=1)


def crop_masks(masks: Tensor, boxes: Tensor, padding: int = CROP_PADDING) -> Tensor:
    """Set everything outside its box to zero in each mask.

    Args:
        masks: One mask per box, shape (N, H, W).
        boxes: Corners as fractions of the image, shape (N, 4).
        padding: Mask pixels by which each box is enlarged on all sides.
    """
    height, width = masks.shape[1:]
    x1, y1, x2, y2 = crop_bounds(boxes, height, width, padding)[:, :, None].unbind(1)  # (N, 1)
    columns = torch.arange(width, device=masks.device)
    rows = torch.arange(height, device=masks.device)
    in_columns = (columns >= x1) & (columns < x2)  # (N, W)
    in_rows = (rows >= y1) & (rows < y2)  # (N, H)
    return masks * (in_rows.unsqueeze(2) & in_columns.unsqueeze(1))


def soft_masks_in_boxes(prototypes: Tensor, coefficients: Tensor, boxes: Tensor) -> Tensor:
    """Return the masks of instances on the prototype grid, in [0, 1] and 0 outside their boxes.

    Args:
        prototypes: Prototypes of one image, shape (K, Hp, Wp).
        coefficients: Coefficients of each instance, shape (N, K).
        boxes: Corners as fractions of the image, shape (N, 4).

    Returns:
        Masks, shape (N, Hp, Wp).
    """
    return crop_masks(combine_prototypes(prototypes, coefficients).sigmoid(), boxes)


@single_thread()
def assemble_masks(
    prototypes: Tensor, coefficients: Tensor, boxes: Tensor, size: tuple[int, int]
) -> InstanceMasks:
    """Combine, crop, upsample and binarise the masks of the instances of one image.

    Equal to cropping on the prototype grid, upsampling bilinearly to the whole image and
    thresholding (YOLACT, section 3.3), but the runs of the masks are found without their pixels:
    time and memory grow with the outlines, not with instances times image.

    Args:
        prototypes: Prototypes of the image, shape (K, Hp, Wp).
        coefficients: Coefficients of each instance, shape (N, K).
        boxes: Corners as fractions of the image, shape (N, 4).
        size: Height and width of the image in pixels.
    """
    soft = combine_prototypes(prototypes.float(), coefficients.float()).sigmoid_()
    bounds = crop_bounds(boxes.float(), *soft.shape[1:]).clamp_(min=0).ceil_().long()
    return trace_masks(soft.cpu().numpy(), bounds.cpu().numpy(), size)
