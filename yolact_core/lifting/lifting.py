"""From detections and depth to objects in space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.lifting.boxes import Axes, extents, level_axes, principal_axes, upright_axes
from yolact_core.lifting.depth_image import DepthImage
from yolact_core.lifting.objects import Objects
from yolact_core.lifting.options import LiftingOptions
from yolact_core.lifting.orientations import matrices_to_quaternions
from yolact_core.lifting.rays import Rays
from yolact_core.lifting.surfaces import Surface, find_surface

DEFAULTS = LiftingOptions()
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
    is_upright = options.box == 'auto' and up is not None
    surfaces = [found[index] for index in kept]
    axes = [_choose_axes(surface, options, up) for surface in surfaces]
    return _describe(np.array(kept, dtype=np.int64), surfaces, axes, is_upright)


def _choose_axes(surface: Surface, options: LiftingOptions, up: Numbers | None) -> Axes:
    if options.box == 'pca':
        return principal_axes(surface.points)
    return (
        np.eye(3)
        if up is None
        else upright_axes(np.concatenate([surface.points, surface.outline]), level_axes(up))
    )


def _describe(
    indices: npt.NDArray[np.int64], surfaces: Sequence[Surface], axes: Sequence[Axes], up: bool
) -> Objects:
    points = [surface.points for surface in surfaces]
    ends = [
        extents(one.points, one.outline, along) for one, along in zip(surfaces, axes, strict=True)
    ]
    lows = _rows([low for low, _ in ends])
    highs = _rows([high for _, high in ends])
    rotations = np.array(axes, dtype=np.float64).reshape(-1, 3, 3).transpose(0, 2, 1)
    return Objects(
        indices=indices,
        depths=np.array([np.median(one[:, 2]) for one in points], dtype=np.float64),
        valid_shares=np.array([surface.valid_share for surface in surfaces], dtype=np.float64),
        centroids=_rows([one.mean(axis=0) for one in points]),
        nearest=_rows([find_nearest(one) for one in points]),
        centres=np.einsum('nij,nj->ni', rotations, (lows + highs) / 2),
        sizes=highs - lows,
        orientations=matrices_to_quaternions(rotations),
        points=tuple(points),
        pixels=tuple(surface.pixels for surface in surfaces),
        is_upright=up,
    )


def find_nearest(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the point that is nearest to the camera, but for one of a hundred.

    Args:
        points: Points in space, at least one, shape (P, 3).
    """
    distances = np.einsum('ij,ij->i', points, points)
    rank = len(points) // 100
    nearest: npt.NDArray[np.float32] = points[np.argpartition(distances, rank)[rank]]
    return nearest


def _rows(values: Sequence[npt.NDArray[np.floating]]) -> Numbers:
    return np.array(values, dtype=np.float64).reshape(-1, 3)
