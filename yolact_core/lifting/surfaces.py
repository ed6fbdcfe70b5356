"""The visible surface of one instance: the points behind its mask that are its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.lifting.depth_image import DepthImage
from yolact_core.lifting.gate import gate
from yolact_core.lifting.outlines import extrapolate, trace_outline
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
    (height, width), step = core.shape, _choose_step(core, max_points)
    is_sampled = core[::step, ::step]
    depths = depth.crop(x, y, height, width, step)
    rows, columns = np.nonzero(is_sampled & (depths > 0))
    pixels = np.stack([columns, rows], axis=1) * step + np.array([x, y])
    points = rays.to_points(pixels, depths[rows, columns])
    is_own = gate(points[:, 2]) & ~np.isnan(points[:, 0])
    points = points[is_own]
    depths[:] = np.nan
    depths[rows[is_own], columns[is_own]] = points[:, 2]
    every = max(1, math.ceil(len(points) / max_points))
    return Surface(
        points=points[::every],
        pixels=pixels[is_own][::every].astype(np.int32),
        outline=_find_outline(crop, depths, rays, step, erosion),
        valid_share=len(points) / max(1, int(np.count_nonzero(is_sampled))),
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


def _find_outline(
    crop: Crop, depths: npt.NDArray[np.float32], rays: Rays, step: int, erosion: int
) -> Points:
    mask, corner = crop
    places = trace_outline(mask)
    if len(places) == 0:
        return np.zeros((0, 3), dtype=np.float32)
    far = extrapolate(depths, places / step, math.ceil(erosion / step)).reshape(-1, 1)
    x_y = rays.between((places + corner).reshape(-1, 2))
    points = np.concatenate([x_y * far, far], axis=1, dtype=np.float32)
    return points[~np.isnan(points[:, 0])]
