"""Depth without objects and clouds for costmaps, against plain implementations of full size.

Run with ``make bench``.
"""

import cv2
import numpy as np
import torch

from yolact_core.benchmark.measuring import time_interleaved
from yolact_core.benchmark.workload import random_boxes, smooth_prototypes
from yolact_core.detections import Detections
from yolact_core.lifting.depth_image import DepthImage
from yolact_core.lifting.gate import gate
from yolact_core.lifting.nav_grid import NavGrid, number_classes
from yolact_core.lifting.rays import Rays, pinhole_rays
from yolact_core.lifting.removal import CELL, margins_by_age, remove
from yolact_core.masks.assembly import assemble_masks
from yolact_core.masks.instance_masks import InstanceMasks

SIZE, OBJECTS = (720, 1280), 20
PROTOTYPES, GRID = 32, 138
MARGIN, SPEED = 5, 1.0
NAV_WIDTH = 400


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


def make_nav_plainly(
    depth: DepthImage, rays: Rays, detections: Detections, step: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make a cloud and masks of full size, and take some of their pixels."""
    metres = depth.crop(0, 0, *depth.size)[..., None]
    cloud = np.concatenate([rays.table * metres, metres], axis=2)
    classes = np.zeros(depth.size, dtype=np.uint8)
    confidence = np.zeros(depth.size, dtype=np.uint8)
    for index, mask in reversed(list(enumerate(detections.masks.dense()))):
        mask[mask] = gate(metres[mask][:, 0])
        classes[mask] = detections.class_ids[index] + 1
        confidence[mask] = round(detections.scores[index] * 255)
    return cloud[step], classes[step], confidence[step]


def report_nav() -> None:
    """Compare both for one image."""
    masks = draw_masks()
    names = tuple(str(index) for index in range(80))
    scores = np.linspace(1, 0.3, OBJECTS, dtype=np.float32)
    detections = Detections(
        boxes=masks.boxes(),
        scores=scores,
        mask_scores=scores,
        class_ids=np.arange(OBJECTS),
        coefficients=np.zeros((OBJECTS, 0), dtype=np.float32),
        masks=masks,
        all_class_names=names,
    )
    slope = 2000 + 2 * np.arange(SIZE[1]) + np.random.default_rng(0).integers(0, 50, SIZE)
    depth = DepthImage(slope.astype(np.uint16), 0.001)
    rays = pinhole_rays(SIZE, np.array([[900.0, 0, 640], [0, 900.0, 360], [0, 0, 1]]))
    grid, numbers = NavGrid.over(rays, NAV_WIDTH), number_classes(names, (), 0)

    def ours() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        points = grid.points(depth)
        return points, *grid.classes(detections, points, numbers, 0)

    def plain() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return make_nav_plainly(depth, rays, detections, np.ix_(grid.rows, grid.columns))

    np.testing.assert_allclose(ours()[0], plain()[0], rtol=1e-6)
    assert (ours()[1] == plain()[1]).mean() > 0.99  # all pixels tell what is behind more exactly
    median = time_interleaved({'plain': plain, 'ours': ours}, rounds=9)
    print(
        f'\ncloud, classes and confidence of {OBJECTS} objects, {grid.size[1]}x{grid.size[0]} of '
        f'{SIZE[1]}x{SIZE[0]} pixels: plain {median["plain"] * 1e3:.1f} ms, ours '
        f'{median["ours"] * 1e3:.2f} ms (goal: 4), {median["plain"] / median["ours"]:.0f}x'
    )


if __name__ == '__main__':
    cv2.setNumThreads(1)
    report_removal()
    report_nav()
