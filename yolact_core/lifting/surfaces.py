"""The visible surface of one instance: the points behind its mask that are its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.lifting.depth_image import DepthImage
from yolact_core.lifting.gate import gate
from yolact_core.lifting.outlines import SIDES, extrapolate, trace_outline
from yolact_core.lifting.rays import Rays
from yolact_core.masks.instance_masks import Crop

PIXELS_PER_EROSION = 40  # side of a square mask that loses one pixel more
KEPT = 0.3  # share of its pixels that a mask keeps at least when it is eroded
LEAST_ROWS = 8  # and columns, of samples on a mask, unless it has less pixels

Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Surface:
    """What is seen of an object, in the optical frame of the camera.

    Args:
        points: Points evenly over the mask, metres, shape (P, 3).
        pixels: Column and row of each point in the image, shape (P, 2).
        outline: Points around the mask, where the surface goes on to its rim, shape (R, 3).
        valid_share: Share of the mask, rims aside, whose depth is measured and the object's.
    """

    points: Points
    pixels: npt.NDArray[np.int32]
    outline: Points
    valid_share: float


def find_surface(
    crop: Crop, depth: DepthImage, rays: Rays, max_erosion: int, max_points: int
) -> Surface:
    """Return the visible surface behind a mask; it may be without points.

    Args:
        crop: Mask in the smallest rectangle around it, and the rectangle's first pixel.
        depth: Depth of the whole image.
        rays: Rays of the whole image.
        max_erosion: Pixels at most that the rims of the mask lose.
        max_points: Points at most.
    """
    mask, (x, y) = crop
    core, erosion = erode(mask, max_erosion)
    step = _choose_step(core, max_points)
    height, width = core.shape
    top, left = (max(0, side - 1) % step // 2 for side in core.shape)  # as much as at the ends
    grid = x + left, y + top, height - top, width - left, step
    is_sampled, depths = core[top::step, left::step], depth.crop(*grid)
    is_seen = is_sampled & (depths > 0) & ~np.isnan(rays.crop(*grid)[..., 0])
    rows, columns = np.nonzero(is_seen)
    found = depths[rows, columns]
    is_own = gate(found)

    inverse = np.zeros(depths.shape, dtype=np.float32)
    inverse[rows, columns] = np.where(is_own, 1 / found, -1 / found)
    outline = trace_outline(mask)
    far = extrapolate(
        inverse, (outline - (left, top)) / step, SIDES / step, math.ceil(erosion / step)
    )
    rows, columns, found = rows[is_own], columns[is_own], found[is_own]
    share = len(found) / max(1, int(np.count_nonzero(is_sampled)))
    every = max(1, math.ceil(len(found) / max_points))
    pixels = np.stack([columns * step + x + left, rows * step + y + top], axis=1, dtype=np.int32)[
        ::every
    ]
    return Surface(
        points=rays.to_points(pixels, found[::every]),
        pixels=pixels,
        outline=_to_points(rays, outline + crop[1], far),
        valid_share=share,
    )


def erode(mask: Mask, max_erosion: int) -> tuple[Mask, int]:
    """Take the rim off a mask, wider for larger ones, but always leave a part of it.

    Args:
        mask: Mask in the smallest rectangle around it.
        max_erosion: Pixels at most that it loses on each side.

    Returns:
        The rest, of the same shape, and how many pixels it lost on each side.
    """
    area = np.count_nonzero(mask)
    wanted = min(max_erosion, math.ceil(math.sqrt(area) / PIXELS_PER_EROSION))
    for erosion in range(wanted, 0, -1):
        kernel = np.ones((2 * erosion + 1, 2 * erosion + 1), dtype=np.uint8)
        rest = cv2.erode(
            mask.view(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0
        )
        if np.count_nonzero(rest) >= KEPT * area:
            return rest.view(np.bool_), erosion
    return mask, 0


def _choose_step(core: Mask, max_points: int) -> int:
    fitting = math.ceil(math.sqrt(np.count_nonzero(core) / max_points))
    return max(1, min(fitting, int(min(core.shape)) // LEAST_ROWS))


def _to_points(rays: Rays, pixels: npt.NDArray[np.int64], far: npt.NDArray[np.float64]) -> Points:
    points = np.empty((*far.shape, 3), dtype=np.float32)
    np.multiply(
        rays.beside(pixels, SIDES), far[..., None], out=points[..., :2], casting='same_kind'
    )
    points[..., 2] = far
    return points[~np.isnan(points[..., 0])]
