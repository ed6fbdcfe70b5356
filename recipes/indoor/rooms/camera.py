"""Cameras: where to look from into a room, at one object, closely at a table, or along a path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from recipes.indoor.rooms.layout import Placement
from recipes.indoor.rooms.scene import Scene

TRIES = 40
PATH_TRIES = 300
CLEARANCE = 0.2  # m between camera and objects
PATH_CLEARANCE = 0.15  # m
FOV_X = (50.0, 90.0)  # degrees
PATH_FOV_Y = np.radians(56)
CLOSE_UP_SHARE = 0.35
RAISED_SHARE = 0.8  # of close-ups look at what stands on something
MAX_CANDIDATES = 6


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in the room.

    Attributes:
        position: Position of the optical centre in the room, in metres, shape (3,).
        rotation: Right, down and forward axis of the camera in the room, as columns, shape (3, 3).
        fov_y: Vertical field of view in radians.
    """

    position: NDArray[np.float64]
    rotation: NDArray[np.float64]
    fov_y: float

    def pose(self) -> NDArray[np.float64]:
        """Return the transform from camera axes to the room, shape (4, 4)."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.rotation, self.position
        return matrix

    def intrinsics(self, height: int, width: int) -> NDArray[np.float64]:
        """Return the matrix that projects camera axes to pixels, shape (3, 3)."""
        focal = height / 2 / np.tan(self.fov_y / 2)
        return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])

    def project(self, points: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
        """Return the pixels of points in front of the camera, shape (N, 2)."""
        local = (points - self.position) @ self.rotation
        local = local[local[:, 2] > 0.05] @ self.intrinsics(height, width).T
        return np.asarray(local[:, :2] / local[:, 2:])


def looking_at(position: ArrayLike, target: ArrayLike, roll: float, fov_y: float) -> Camera:
    """Return a camera that sees ``target`` in its middle; angles are radians."""
    eye = np.asarray(position, float)
    forward = np.asarray(target, float) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    turned_right = np.cos(roll) * right + np.sin(roll) * down
    turned_down = np.cos(roll) * down - np.sin(roll) * right
    return Camera(eye, np.stack([turned_right, turned_down, forward], axis=1), fov_y)


def is_clear(scene: Scene, position: NDArray[np.float64], clearance: float = CLEARANCE) -> bool:
    """Return whether a point is inside the room and away from everything in it."""
    room = scene.furnished.room
    if (np.abs(position[:2]) > room.reach - clearance).any():
        return False
    if not 0.1 < position[2] < room.height - 0.1:
        return False
    bounds = (placement.bounds for placement in scene.furnished.placements)
    return not any(
        (position > low - clearance).all() and (position < high + clearance).all()
        for low, high in bounds
    )


def random_fov_y(random: Generator, height: int, width: int) -> float:
    """Return a vertical field of view in radians for a random horizontal one."""
    half = np.radians(random.uniform(*FOV_X)) / 2
    return float(2 * np.arctan(np.tan(half) * height / width))


def sample_view(scene: Scene, random: Generator, height: int, width: int) -> Camera | None:
    """Return a random camera that stands in free space, or None where none was found.

    Of a few candidates the one that has most labelled objects in front of it is taken.
    """
    labelled = [p for p in scene.furnished.placements if p.info.label]
    small = [p for p in labelled if max(p.info.size) < 0.7]
    raised = [p for p in small if p.position[2] > 0.2]
    small = raised if random.random() < RAISED_SHARE else small
    fov_y = random_fov_y(random, height, width)
    roll = random.normal(0, np.radians(random.choice([1.0, 6.0])))
    is_close_up = bool(small) and random.random() < CLOSE_UP_SHARE
    wanted = 1 if is_close_up else int(random.integers(1, MAX_CANDIDATES + 1))
    centres = np.array([np.mean(p.bounds, axis=0) for p in labelled]).reshape(-1, 3)
    candidates: list[tuple[int, int, Camera]] = []
    for attempt in range(TRIES):
        if is_close_up:
            eye, target = _close_up(small[int(random.integers(len(small)))], random)
        else:
            eye, target = _overview(scene, labelled, random)
        if np.linalg.norm((target - eye)[:2]) > 0.15 and is_clear(scene, eye):
            camera = looking_at(eye, target, roll, fov_y)
            pixels = camera.project(centres, height, width)
            seen = ((pixels >= 0) & (pixels < (width, height))).all(axis=1).sum()
            candidates.append((int(seen), attempt, camera))
        if len(candidates) == wanted:
            break
    return max(candidates)[2] if candidates else None


def _close_up(
    placement: Placement, random: Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return eye and target for a look at a small object from 0.4 to 1.6 m away."""
    low, high = placement.bounds
    target = (low + high) / 2 + random.normal(0, 0.1, 3)
    distance, pitch = random.uniform(0.4, 1.6), np.radians(random.uniform(5, 60))
    yaw = random.uniform(0, 2 * np.pi)
    across = distance * np.cos(pitch)
    offset = (across * np.cos(yaw), across * np.sin(yaw), distance * np.sin(pitch))
    return target + offset, target


def _overview(
    scene: Scene, labelled: list[Placement], random: Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return eye and target for a look from 0.3 to 1.8 m height, mostly towards an object."""
    reach = scene.furnished.room.reach
    eye = np.array([*random.uniform(-reach, reach), random.uniform(0.3, 1.8)])
    target = np.array([*random.uniform(-reach, reach), random.uniform(0.2, 1.6)])
    if labelled and random.random() < 0.8:
        low, high = labelled[int(random.integers(len(labelled)))].bounds
        target = random.uniform(low, high) + random.normal(0, 0.2, 3)
    return eye, target


def sample_path(scene: Scene, random: Generator, count: int) -> list[Camera]:
    """Return ``count`` cameras along an arc through free space that looks into the room.

    Raises:
        RuntimeError: The room is too full.
    """
    room = scene.furnished.room
    for _ in range(PATH_TRIES):
        radius = random.uniform(0.15, 0.4) * np.array([room.width, room.depth])
        angles = random.uniform(0, 2 * np.pi) + np.linspace(0, random.uniform(0.6, 2.5), count)
        heights = random.uniform(1.0, 1.6) + 0.15 * np.sin(angles * 2)
        eyes = np.stack([*(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)).T,
                         heights], axis=1)  # fmt: skip
        if all(is_clear(scene, eye, PATH_CLEARANCE) for eye in eyes):
            target = np.array([*(-0.7 * eyes[count // 2, :2]), random.uniform(0.3, 0.9)])
            return [looking_at(eye, target, 0.0, PATH_FOV_Y) for eye in eyes]
    raise RuntimeError(f'found no free camera path in {PATH_TRIES} tries; take another seed')
