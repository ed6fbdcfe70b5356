"""Points and boxes in space, seen from beside the camera that measured them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.lifting.orientations import quaternions_to_matrices
from yolact_core.palette import Color
from yolact_core.visualization.tags import TagPlaces, paste_tag, render_tag

BACKGROUND = 24  # grey
TURN, PITCH = 30.0, 28.0  # degrees to the side of the camera, and above it
DISTANCE = 2.5  # of the viewer, as a multiple of the scene's radius
MARGIN = 0.06  # of the picture, left free on each side
TEXT_FRACTION = 0.026  # of the height of the picture
CAMERA_SIZE = 0.12  # metres
CAMERA_COLOR: Color = (255, 255, 255)
CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
EDGES = [(a, b) for a, b in combinations(range(8), 2) if (CORNERS[a] != CORNERS[b]).sum() == 1]

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SpaceBoxes:
    """Boxes in the optical frame of a camera: x right, y down, z forward.

    Args:
        centres: Centre of each box, metres, shape (K, 3).
        sizes: Full lengths of the edges along the axes of the box, metres, shape (K, 3).
        orientations: Unit quaternion x y z w of each box, shape (K, 4).
        colors: Colour of each box.
        texts: Words beside each box.
    """

    centres: Numbers
    sizes: Numbers
    orientations: Numbers
    colors: Sequence[Color]
    texts: Sequence[str]

    def corners(self) -> Numbers:
        """Return the corners of each box, shape (K, 8, 3)."""
        turns = quaternions_to_matrices(self.orientations)
        local = CORNERS * self.sizes[:, None]
        corners: Numbers = np.einsum('kij,kcj->kci', turns, local) + self.centres[:, None]
        return corners


def draw_space(
    points: npt.NDArray[np.float32],
    colors: npt.NDArray[np.uint8],
    boxes: SpaceBoxes,
    size: tuple[int, int],
) -> npt.NDArray[np.uint8]:
    """Draw points and boxes in perspective, as somebody sees them who stands beside the camera.

    The camera is drawn, too, as a small pyramid that opens to where it looks.

    Args:
        points: Points in the optical frame of the camera, metres, shape (P, 3).
        colors: Red, green and blue of each point, shape (P, 3).
        boxes: Boxes in the same frame.
        size: Height and width of the picture in pixels.

    Returns:
        RGB, shape (H, W, 3).
    """
    image = np.full((*size, 3), BACKGROUND, dtype=np.uint8)
    corners, camera = boxes.corners(), _camera_corners()
    look = _View(np.concatenate([corners.reshape(-1, 3), camera]), size)
    _draw_points(image, look.project(points.astype(np.float64)), colors)
    thickness = max(1, round(size[0] / 400))
    _draw_camera(image, look.project(camera)[:, :2], thickness)
    places, text_size = TagPlaces(size), max(11, round(size[0] * TEXT_FRACTION))
    outlines = [look.project(one)[:, :2] for one in corners]
    for outline, color in zip(outlines, boxes.colors, strict=True):
        for a, b in EDGES:
            _draw_line(image, outline[a], outline[b], color, thickness)
    for outline, color, text in zip(outlines, boxes.colors, boxes.texts, strict=True):
        tag = render_tag(text, text_size, color)
        (x1, y1), (x2, y2) = outline.min(axis=0).astype(int), outline.max(axis=0).astype(int)
        place = places.take((x1, y1, x2, y2), (tag.shape[0], tag.shape[1]))
        paste_tag(image, tag, *place)
    return image


class _View:
    """Someone who looks at the middle of what is to be seen, all of which fits into the picture.

    Args:
        seen: What is to be seen, metres, shape (N, 3).
        size: Height and width of the picture in pixels.
    """

    def __init__(self, seen: Numbers, size: tuple[int, int]) -> None:
        turn, pitch = np.radians(TURN), np.radians(PITCH)
        around_y = np.array(
            [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
        )
        around_x = np.array(
            [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
        )
        self._turn = around_x @ around_y
        self._middle = (seen.min(axis=0) + seen.max(axis=0)) / 2
        self._distance = DISTANCE * float(np.linalg.norm(seen - self._middle, axis=1).max())
        self._scale, self._shift = 1.0, np.zeros(2)
        flat = self.project(seen)[:, :2]
        low, high = flat.min(axis=0), flat.max(axis=0)
        room = np.array([size[1], size[0]])
        self._scale = float(((1 - 2 * MARGIN) * room / (high - low)).min())
        self._shift = room / 2 - self._scale * (low + high) / 2

    def project(self, points: Numbers) -> Numbers:
        """Return column, row and distance of points, shape (N, 3)."""
        turned = (points - self._middle) @ self._turn.T
        away = turned[:, 2:] + self._distance
        return np.concatenate([turned[:, :2] / away * self._scale + self._shift, away], axis=1)


def _draw_points(
    image: npt.NDArray[np.uint8], places: Numbers, colors: npt.NDArray[np.uint8]
) -> None:
    """Draw points as small squares, the farthest first, in place."""
    height, width = image.shape[:2]
    side = max(2, round(height / 180))
    order = np.argsort(-places[:, 2])
    places, colors = np.rint(places[order, :2]).astype(int), colors[order]
    for shift in product(range(side), repeat=2):
        columns, rows = (places + shift).T
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        image[rows[inside], columns[inside]] = colors[inside]


def _camera_corners() -> Numbers:
    """Return the tip of the camera's pyramid and the corners of its base."""
    x, y, z = CAMERA_SIZE * np.array([0.8, 0.6, 1.0])
    return np.array([[0, 0, 0], [-x, -y, z], [x, -y, z], [x, y, z], [-x, y, z]])


def _draw_camera(image: npt.NDArray[np.uint8], corners: Numbers, thickness: int) -> None:
    for index in range(1, 5):
        _draw_line(image, corners[0], corners[index], CAMERA_COLOR, thickness)
        _draw_line(image, corners[index], corners[index % 4 + 1], CAMERA_COLOR, thickness)


def _draw_line(
    image: npt.NDArray[np.uint8], begin: Numbers, end: Numbers, color: Color, thickness: int
) -> None:
    first, last = ([round(value) for value in place.tolist()] for place in (begin, end))
    cv2.line(image, first, last, color, thickness, cv2.LINE_AA)
