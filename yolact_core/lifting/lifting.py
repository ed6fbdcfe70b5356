"""From detections and depth to objects in space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.lifting.boxes import (
    CAMERA_AXES,
    OrientedBox,
    fit_box,
    level_axes,
    principal_axes,
    upright_axes,
)
from yolact_core.lifting.depth_image import DepthImage
from yolact_core.lifting.objects import Objects
from yolact_core.lifting.options import LiftingOptions
from yolact_core.lifting.orientations import matrices_to_quaternions
from yolact_core.lifting.rays import Rays
from yolact_core.lifting.surfaces import Surface, find_surface

DEFAULTS = LiftingOptions()
CLOSER = 0.01  # share of the points that may be closer than the nearest one
Points = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def lift(
    detections: Detections,
    depth: DepthImage,
    rays: Rays,
    options: LiftingOptions = DEFAULTS,
    up: Numbers | None = None,
) -> Objects:
    """Return the objects whose depth is known, in the optical frame of the camera.

    A box is one around what is visible: of a thing that is seen from the front it has width and
    height, and only the depth of what can be seen.

    Args:
        detections: Instances of one image.
        depth: Depth of each pixel of the same image.
        rays: Rays of its pixels, from ``Calibration.rays``.
        options: How masks and depth become objects.
        up: Unit vector that points up, in the optical frame, shape (3,), if that is known. Boxes
            are upright then.

    Raises:
        InputError: Detections, depth and rays are not of one size.
    """
    if not detections.size == depth.size == rays.size:
        raise InputError(
            'image, depth and calibration must be of one size (height, width), got '
            f'{detections.size}, {depth.size} and {rays.size}'
        )
    found = [
        find_surface(crop, depth, rays, options.max_erosion, options.max_points)
        for crop in detections.masks
    ]
    kept = [
        index
        for index, surface in enumerate(found)
        if surface.valid_share >= options.min_valid_share
    ]
    surfaces = [found[index] for index in kept]
    level = level_axes(up) if up is not None and options.box == 'auto' else None
    boxes = [_find_box(surface, options, level) for surface in surfaces]
    axes = np.array([box.axes for box in boxes], dtype=np.float64).reshape(-1, 3, 3)
    return Objects(
        indices=np.array(kept, dtype=np.int64),
        depths=np.array([find_median(one.points[:, 2]) for one in surfaces], dtype=np.float64),
        valid_shares=np.array([one.valid_share for one in surfaces], dtype=np.float64),
        centroids=_rows([find_mean(one.points) for one in surfaces]),
        nearest=_rows([find_nearest(one.points) for one in surfaces]),
        centres=_rows([box.centre for box in boxes]),
        sizes=_rows([box.size for box in boxes]),
        orientations=matrices_to_quaternions(axes.transpose(0, 2, 1)),
        points=tuple(one.points for one in surfaces),
        pixels=tuple(one.pixels for one in surfaces),
        is_upright=level is not None,
    )


def find_median(depths: Points) -> float:
    """Return the median; of an even number, the larger of the two in the middle.

    Args:
        depths: Depths, at least one, shape (P,).
    """
    rank = len(depths) // 2
    return float(np.partition(depths, rank)[rank])


def find_mean(points: Points) -> Points:
    """Return the mean, in a fifth of the time that numpy takes along the long axis.

    Args:
        points: Points in space, at least one, shape (P, 3).
    """
    mean: Points = np.full(len(points), 1 / len(points), dtype=np.float32) @ points
    return mean


def find_nearest(points: Points) -> Points:
    """Return the point that is nearest to the camera, but for one in a hundred.

    Args:
        points: Points in space, at least one, shape (P, 3).
    """
    distances = np.einsum('ij,ij->i', points, points)
    rank = int(CLOSER * len(points))
    nearest: Points = points[np.argpartition(distances, rank)[rank]]
    return nearest


def _find_box(surface: Surface, options: LiftingOptions, level: Numbers | None) -> OrientedBox:
    points, outline = surface.points, surface.outline
    if options.box == 'pca':
        return fit_box(points, outline, principal_axes(points))
    if level is None:
        return fit_box(points, outline, CAMERA_AXES)
    return fit_box(points, outline, upright_axes(points, outline, level))


def _rows(values: Sequence[npt.NDArray[np.floating]]) -> Numbers:
    return np.array(values, dtype=np.float64).reshape(-1, 3)
