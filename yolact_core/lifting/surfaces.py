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
KEPT = 0.3  # share of its pixels that a mask keeps at least when it loses one pixel
KEPT_BY_MORE = 0.8  # the same for more, which would move the middle of what has thin parts
LEAST_ROWS = 8  # and columns, of samples on a mask, unless it has less pixels

Mask = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.int64]  # x and y
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
    mask, corner = crop
    core, erosion = erode(mask, max_erosion)
    step = _choose_step(core, max_points)
    left, top = (max(0, side - 1) % step // 2 for side in (core.shape[1], core.shape[0]))
    is_sampled = core[top::step, left::step]  # as much is left over at all sides
    first = np.array([corner[0] + left, corner[1] + top])
    depths = _sample(is_sampled, first, step, depth, rays)
    rows, columns = np.nonzero(depths > 0)
    share = len(rows) / max(1, int(np.count_nonzero(is_sampled)))
    every = max(1, math.ceil(len(rows) / max_points))
    rows, columns = rows[::every], columns[::every]
    pixels = np.stack([columns, rows], axis=1) * step + first
    outline = trace_outline(mask) + corner
    far = extrapolate(depths, (outline - first) / step, SIDES / step, math.ceil(erosion / step))
    return Surface(
        points=rays.to_points(pixels, depths[rows, columns]),
        pixels=pixels.astype(np.int32),
        outline=_to_points(rays, outline, far),
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
        if np.count_nonzero(rest) >= (KEPT if erosion == 1 else KEPT_BY_MORE) * area:
            return rest.view(np.bool_), erosion
    return mask, 0


def _choose_step(core: Mask, max_points: int) -> int:
    fitting = math.ceil(math.sqrt(np.count_nonzero(core) / max_points))
    return max(1, min(fitting, int(min(core.shape)) // LEAST_ROWS))


def _sample(
    is_sampled: Mask, first: Pixels, step: int, depth: DepthImage, rays: Rays
) -> npt.NDArray[np.float32]:
    """Return the depth at samples, 0 where there is none, negative where it is not the object's.

    Args:
        is_sampled: Which pixels of a grid are looked at, shape (h, w).
        first: Column and row of the grid's first pixel in the image, shape (2,).
        step: Distance of its rows and columns, in pixels.
        depth: Depth of the whole image.
        rays: Rays of the whole image.
    """
    (x, y), (height, width) = first.tolist(), is_sampled.shape
    window = x, y, height * step, width * step, step
    depths = depth.crop(*window)
    is_seen = is_sampled & (depths > 0) & ~np.isnan(rays.crop(*window)[..., 0])
    found = depths[is_seen]
    signed = np.zeros_like(depths)
    signed[is_seen] = np.where(gate(found), found, -found)
    return signed


def _to_points(rays: Rays, pixels: Pixels, far: npt.NDArray[np.float64]) -> Points:
    """Return the points beside pixels whose depth is known, shape (R, 3)."""
    x_y = rays.beside(pixels, SIDES) * far[..., None]  # (P, S, 2)
    points = np.concatenate([x_y, far[..., None]], axis=2, dtype=np.float32)
    return points[~np.isnan(points).any(axis=2)]
