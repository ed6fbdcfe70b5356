"""Boxes: the priors, the two forms of boxes, their coding against priors, and their overlap."""

import numpy as np
import torch
from torch import Tensor

from yolact_core.config import AnchorConfig, BoxCoding
from yolact_core.errors import InputError

CENTRE_VARIANCE = 0.1
SIZE_VARIANCE = 0.2
MOST_PRIORS = 2**22


def level_sizes(input_size: int, strides: tuple[int, ...], levels: int) -> list[int]:
    """Return the cells along a side of each level; beyond the given strides, halves round up."""
    sizes = [-(-input_size // stride) for stride in strides]
    while len(sizes) < levels:
        sizes.append(-(-sizes[-1] // 2))
    return sizes


def make_priors(anchors: AnchorConfig, level_sizes: list[int], input_size: int) -> Tensor:
    """Lay out all priors in the order level, row, column, scale, aspect ratio.

    Others call them anchors (YOLACT, section 4).

    Args:
        anchors: Scales, in pixels of the input, and aspect ratios.
        level_sizes: Cells along each side of every pyramid level.
        input_size: Side of the input in pixels.

    Returns:
        Centre form (cx, cy, w, h) as fractions of the image, shape (A, 4), float32.

    Raises:
        InputError: They are far too many.
    """
    count = anchors.per_cell * sum(cells**2 for cells in level_sizes)
    if count > MOST_PRIORS:
        raise InputError(f'anchors must make at most {MOST_PRIORS} priors, got {count}')
    levels = []
    for cells, scales in zip(level_sizes, anchors.scales, strict=True):
        centres = (np.arange(cells) + 0.5) / cells
        sides = np.array(
            [
                (scale * ratio**0.5, scale * (ratio if anchors.square else 1 / ratio) ** 0.5)
                for scale in scales
                for ratio in anchors.aspect_ratios
            ]
        )
        level = np.empty((cells, cells, len(sides), 4))
        level[..., 0] = centres[None, :, None]
        level[..., 1] = centres[:, None, None]
        level[..., 2:] = sides / input_size
        levels.append(level.reshape(-1, 4))
    return torch.from_numpy(np.concatenate(levels).astype(np.float32))


def cxcywh_to_xyxy(boxes_cxcywh: Tensor) -> Tensor:
    """Turn centre form into corners, shape (..., 4) -> (..., 4)."""
    centre, size = boxes_cxcywh.split(2, dim=-1)
    corner = centre - size / 2
    return torch.cat([corner, corner + size], dim=-1)


def xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """Turn corners into centre form, shape (..., 4) -> (..., 4)."""
    low, high = boxes.split(2, dim=-1)
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def decode_boxes(box_offsets: Tensor, priors: Tensor, coding: BoxCoding = 'offsets') -> Tensor:
    """Turn predicted boxes into corners.

    Args:
        box_offsets: Offsets from the priors (SSD's coding, variances 0.1 and 0.2), or distances
            from their centres to left, top, right and bottom in sides of the priors (FCOS), shape
            (..., N, 4).
        priors: Priors in centre form, shape (N, 4).
        coding: Which of them.

    Returns:
        Corners in the priors' unit, not clipped, shape (..., N, 4).
    """
    centre, size = priors.split(2, dim=-1)
    if coding == 'distances':
        before, after = box_offsets.split(2, dim=-1)
        return torch.cat([centre - before * size, centre + after * size], dim=-1)
    centre_offset, size_offset = box_offsets.split(2, dim=-1)
    return cxcywh_to_xyxy(
        torch.cat(
            [
                centre + centre_offset * CENTRE_VARIANCE * size,
                size * torch.exp(size_offset * SIZE_VARIANCE),
            ],
            dim=-1,
        )
    )


def encode_boxes(boxes: Tensor, priors: Tensor, coding: BoxCoding = 'offsets') -> Tensor:
    """Turn boxes into what ``decode_boxes`` turns back.

    Args:
        boxes: Corners of boxes with positive width and height, shape (N, 4).
        priors: Priors in centre form and in the same unit, shape (N, 4).
        coding: Offsets or distances, which are negative for sides that the centre is beyond.
    """
    prior_centre, prior_size = priors.split(2, dim=-1)
    if coding == 'distances':
        low, high = boxes.split(2, dim=-1)
        distances = (prior_centre - low) / prior_size, (high - prior_centre) / prior_size
        return torch.cat(distances, dim=-1)
    centre, size = xyxy_to_cxcywh(boxes).split(2, dim=-1)
    return torch.cat(
        [
            (centre - prior_centre) / (prior_size * CENTRE_VARIANCE),
            torch.log(size / prior_size) / SIZE_VARIANCE,
        ],
        dim=-1,
    )


def box_areas(boxes: Tensor) -> Tensor:
    """Return width times height, shape (..., 4) -> (...)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def pairwise_intersection(boxes: Tensor, others: Tensor) -> Tensor:
    """Return the area that each box shares with each other one.

    Args:
        boxes: Corners, shape (..., N, 4).
        others: Corners in the same unit, shape (..., M, 4).

    Returns:
        Areas, shape (..., N, M).
    """
    boxes, others = boxes.unsqueeze(-2), others.unsqueeze(-3)
    width = torch.minimum(boxes[..., 2], others[..., 2]) - torch.maximum(
        boxes[..., 0], others[..., 0]
    )
    height = torch.minimum(boxes[..., 3], others[..., 3]) - torch.maximum(
        boxes[..., 1], others[..., 1]
    )
    return width.clamp_(min=0).mul_(height.clamp_(min=0))


def pairwise_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Return the intersection over union of each box with each other one.

    Boxes without area overlap nothing, not even themselves.

    Args:
        boxes: Corners, shape (..., N, 4).
        others: Corners in the same unit, shape (..., M, 4).

    Returns:
        Values in [0, 1], shape (..., N, M).
    """
    intersection = pairwise_intersection(boxes, others)
    union = box_areas(boxes).unsqueeze(-1) + box_areas(others).unsqueeze(-2) - intersection
    return (intersection / union).nan_to_num_(nan=0.0)


def pairwise_coverage(boxes: Tensor, others: Tensor) -> Tensor:
    """Return the share of each box that lies inside each other one (COCO's rule for crowds).

    Args:
        boxes: Corners, shape (..., N, 4).
        others: Corners in the same unit, shape (..., M, 4).

    Returns:
        Values in [0, 1], shape (..., N, M).
    """
    coverage = pairwise_intersection(boxes, others) / box_areas(boxes).unsqueeze(-1)
    return coverage.nan_to_num_(nan=0.0)
