"""Depth without objects at the camera's rate, against a plain implementation of full size.

Run with ``make bench``.
"""

import cv2
import numpy as np
import torch

from yolact_core.benchmark.measuring import time_interleaved
from yolact_core.benchmark.workload import random_boxes, smooth_prototypes
from yolact_core.lifting.removal import CELL, margins_by_age, remove
from yolact_core.masks.assembly import assemble_masks
from yolact_core.masks.instance_masks import InstanceMasks

SIZE, OBJECTS = (720, 1280), 20
PROTOTYPES, GRID = 32, 138
MARGIN, SPEED = 5, 1.0


def draw_masks() -> InstanceMasks:
    """Make masks whose boxes have sides of 4 % to 60 % of the image's."""
    generator = torch.Generator().manual_seed(1)
    prototypes = smooth_prototypes(PROTOTYPES, GRID, generator)
    coefficients = torch.rand(OBJECTS, PROTOTYPES, generator=generator) * 2 - 1
    return assemble_masks(prototypes, coefficients, random_boxes(OBJECTS, generator), SIZE)


def remove_plainly(depth: np.ndarray, masks: InstanceMasks, margins: np.ndarray) -> np.ndarray:
    """Widen each mask in full size."""
    left = depth.copy()
    for mask, margin in zip(masks.dense(), margins.tolist(), strict=True):
        kernel = np.ones((2 * margin + 1, 2 * margin + 1), dtype=np.uint8)
        left[cv2.dilate(mask.view(np.uint8), kernel) > 0] = 0
    return left


def report_removal() -> None:
    """Compare both for masks of several ages."""
    masks = draw_masks()
    depth = np.random.default_rng(0).integers(1, 9000, SIZE, dtype=np.uint16)
    print(f'depth without {OBJECTS} objects at {SIZE[1]}x{SIZE[0]} (median ms; goal: 3)')
    print(''.join(f'{title:>12}' for title in ('mask age', 'plain', 'ours', '32FC1', 'faster')))
    for age in (0.0, 0.2, 0.5, 1.0):
        margins = margins_by_age(masks, MARGIN, age, SPEED)
        metres = depth.astype(np.float32)
        exact, ours = remove_plainly(depth, masks, margins), remove(depth, masks, margins)
        beyond = remove_plainly(depth, masks, margins + 2 * (CELL - 1))
        assert not ours[exact == 0].any()
        assert (ours[beyond > 0] == depth[beyond > 0]).all()
        median = time_interleaved(
            {
                'plain': lambda margins=margins: remove_plainly(depth, masks, margins),
                'ours': lambda margins=margins: remove(depth, masks, margins),
                '32FC1': lambda margins=margins, metres=metres: remove(metres, masks, margins),
            },
            rounds=9,
        )
        print(
            f'{age:>10.1f} s{median["plain"] * 1e3:>12.1f}{median["ours"] * 1e3:>12.2f}'
            f'{median["32FC1"] * 1e3:>12.2f}{median["plain"] / median["ours"]:>11.0f}x'
        )


if __name__ == '__main__':
    cv2.setNumThreads(1)
    report_removal()
