"""Make a rendered view look more like a photograph: soft shadows, dark corners, exposure.

Lights of the renderer are points, and its ambient light reaches every corner alike. Here the
main light is moved a little from pass to pass, and the camera by parts of a pixel, which smooths
edges, too. Depth tells how much of its surroundings each point sees (screen-space ambient
occlusion) and which colours these reflect.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.rooms.camera import Camera
from recipes.indoor.rooms.rendering import SceneRenderer

SHIFTS = ((-1 / 3, 0), (1 / 3, -1 / 3), (0, 1 / 3))  # px, of the camera; the last gives depth
GLOW_SHRINK = 4  # pixels of a picture for one of its glow
LIGHT_RADIUS = 0.15  # m
REACH = 0.4  # m, over which surfaces darken each other
SHRINK = 3  # pixels by which points are apart that darken each other
RINGS = (2, 6, 16)  # such pixels between a point and those that may hide it
DIRECTIONS = 8
BIAS = 0.12  # cosine below which a neighbour hides nothing
Pixels = NDArray[np.float32]


def photograph(renderer: SceneRenderer, camera: Camera, random: Generator) -> NDArray[np.uint8]:
    """Return a picture of the renderer's scene with soft light, shape (H, W, 3).

    Args:
        renderer: Renderer of the scene, best without smooth edges; the scene's lights stay.
        camera: The camera.
        random: Source of randomness.
    """
    lights = renderer.scene.model.light_pos
    middle = lights[0].copy()
    light = np.float32(0)
    for shift in SHIFTS:
        lights[0] = middle + random.normal(0, LIGHT_RADIUS, 3)
        renderer.look(shifted(camera, shift, renderer.viewport.height))
        light = light + (renderer.rgb().astype(np.float32) / 255) ** 2 / len(SHIFTS)
    lights[0] = middle
    light = shaded(light, renderer.depth_of_last(), camera, float(random.uniform(0.8, 2.2)))
    return exposed(light, random)


def shifted(camera: Camera, shift: tuple[float, float], height: int) -> Camera:
    """Return a camera turned so that everything moves by parts of a pixel.

    Args:
        camera: The camera.
        shift: Pixels to the right and down.
        height: Height of the picture in pixels.
    """
    focal = camera.intrinsics(height, height)[0, 0]
    right, down, forward = camera.rotation.T
    turned = forward - (shift[0] * right + shift[1] * down) / focal
    turned /= np.linalg.norm(turned)
    right = right - (right @ turned) * turned
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(turned, right), turned], axis=1)
    return replace(camera, rotation=rotation)


def shaded(light: Pixels, depth: Pixels, camera: Camera, strength: float) -> Pixels:
    """Return light after corners have darkened and neighbours have lent their colour.

    Args:
        light: Linear colour, shape (H, W, 3).
        depth: Distance along the viewing axis in metres, shape (H, W).
        camera: The camera.
        strength: How dark corners become; 0 changes nothing.
    """
    height, width = depth.shape
    small = (width // SHRINK, height // SHRINK)
    hidden, lent = surroundings(
        cv2.resize(light, small, interpolation=cv2.INTER_AREA),
        cv2.resize(depth, small, interpolation=cv2.INTER_NEAREST),
        camera,
    )
    # medians leave out what is wrong along edges
    hidden, lent = (cv2.resize(cv2.medianBlur(one, 5), (width, height)) for one in (hidden, lent))
    return np.asarray(light * (np.exp(-strength * 2 * hidden)[..., None] + strength * lent))


def surroundings(light: Pixels, depth: Pixels, camera: Camera) -> tuple[Pixels, Pixels]:
    """Return how much of its sky near things hide from each point, and the light they send.

    Args:
        light: Linear colour, shape (H, W, 3).
        depth: Distance along the viewing axis in metres, shape (H, W).
        camera: The camera.

    Returns:
        Share in [0, 1], shape (H, W), and linear colour, shape (H, W, 3).
    """
    points = camera_points(depth, camera)
    normals = facing_normals(points)
    hidden, lent = np.zeros_like(depth), np.zeros_like(light)
    steps = [(ring, angle) for ring in RINGS for angle in np.arange(DIRECTIONS) / DIRECTIONS]
    for ring, angle in steps:
        turn = 2 * np.pi * angle + ring
        shift = np.float32([[1, 0, ring * np.cos(turn)], [0, 1, ring * np.sin(turn)]])
        moved = cv2.warpAffine(
            np.concatenate([points, light], axis=2), shift, depth.shape[::-1],
            flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        toward = moved[..., :3] - points
        square = (toward * toward).sum(axis=2) + 1e-8
        cosine = (toward * normals).sum(axis=2) / np.sqrt(square)
        share = np.maximum(cosine - BIAS, 0) / (1 + square / REACH**2) / len(steps)
        hidden += share
        lent += share[..., None] * moved[..., 3:]
    return hidden, lent


def camera_points(depth: Pixels, camera: Camera) -> Pixels:
    """Return the point seen at each pixel in the camera's axes, in metres, shape (H, W, 3)."""
    height, width = depth.shape
    focal = camera.intrinsics(height, width)[0, 0]
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / focal
    y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) / focal
    rays = np.stack([*np.meshgrid(x, y), np.ones_like(depth)], axis=2)
    return np.asarray(rays * depth[..., None], np.float32)


def facing_normals(points: Pixels) -> Pixels:
    """Return the unit normals, towards the camera, of the surface through points, (H, W, 3).

    Of the differences to both sides the smaller one counts: the other may lead over an edge.
    """
    slopes = []
    for axis in (1, 0):
        steps = np.diff(points, axis=axis)
        ahead = np.concatenate([steps, steps.take([-1], axis)], axis)
        behind = np.concatenate([steps.take([0], axis), steps], axis)
        is_ahead = np.abs(ahead[..., 2:]) < np.abs(behind[..., 2:])
        slopes.append(np.where(is_ahead, ahead, behind))
    normals = np.cross(slopes[0], slopes[1])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True) + 1e-12
    return np.asarray(-normals * np.sign((normals * points).sum(axis=2, keepdims=True)))


def exposed(light: Pixels, random: Generator) -> NDArray[np.uint8]:
    """Return linear light as a camera with automatic exposure would show it, shape (H, W, 3)."""
    bright = float(np.percentile(light.mean(axis=2), 90))
    gain = random.uniform(0.35, 0.9) / max(bright, 1e-3)
    lit = light * np.float32(min(gain, 12.0))
    height, width = light.shape[:2]
    small = cv2.resize(lit, (width // GLOW_SHRINK, height // GLOW_SHRINK),
                       interpolation=cv2.INTER_AREA)  # fmt: skip
    glow = cv2.GaussianBlur(np.maximum(small - 0.9, 0), (0, 0), small.shape[1] / 40)
    glow = cv2.resize(glow, (width, height))
    lit = lit + np.float32(random.uniform(0, 0.4)) * glow
    lit = np.where(lit < 0.7, lit, 1 - 0.3 * np.exp((0.7 - lit) / 0.3))  # highlights roll off
    return np.asarray(np.clip(np.sqrt(lit) * 255 + 0.5, 0, 255), np.uint8)
