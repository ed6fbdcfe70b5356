"""The room of ``test/data/room_path``, rendered again with depth that is exact at rims, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.indoor.assets.models import ModelPack
from recipes.indoor.dataset.annotations import annotate_view
from recipes.indoor.rooms.camera import Camera, sample_path
from recipes.indoor.rooms.rendering import SceneRenderer, open_graphics
from recipes.indoor.rooms.scene import Scene, build_scene, vary_look
from recipes.lifting.views import View, box_around
from yolact_core.lifting import Calibration

SEED, FRAMES, SIZE = 12, 150, (480, 640)  # as recipes/indoor/Makefile and its steps have them

THROUGH = 0.02  # m from an object on, what is seen in its mask is behind it
SOLID = 0.9  # share of a mask that shows the object itself


def render_room(assets: Path, every: int) -> Iterator[tuple[View, NDArray[np.uint8]]]:
    """Yield what is truly seen, and the picture in RGB, of some moments of the path.

    Args:
        assets: Pack made by the step ``assets``.
        every: Distance of the moments in images.
    """
    context = open_graphics(*SIZE)
    random = np.random.default_rng(SEED)
    pack = ModelPack(assets, 'test')
    scene = build_scene(pack, random, *SIZE)
    vary_look(scene, random)
    cameras = sample_path(scene, random, FRAMES)
    with (
        closing(SceneRenderer(scene, *SIZE)) as renderer,
        closing(SceneRenderer(scene, *SIZE, is_smooth=False)) as gauge,
    ):
        for camera in cameras[::every]:
            renderer.look(camera)
            gauge.look(camera)
            view = to_view(gauge.depth(), gauge.instances(), camera, scene, pack.class_names)
            yield view, renderer.rgb()
    context.free()


def to_view(
    depth: NDArray[np.float32],
    instances: NDArray[np.int32],
    camera: Camera,
    scene: Scene,
    class_names: list[str],
) -> View:
    """Return what is seen of a room, but for what nobody could measure.

    That is what is too small or too hidden to be found, and glass: depth is of what is behind it.

    Args:
        depth: Depth in metres, shape (H, W).
        instances: Index of the placement seen at each pixel, shape (H, W).
        camera: The camera.
        scene: The scene that it looks at.
        class_names: Names of all classes, in class order.
    """
    matrix = camera.intrinsics(*SIZE) - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    x, y = (columns - matrix[0, 2]) / matrix[0, 0], (rows - matrix[1, 2]) / matrix[1, 1]
    surface = np.stack([x * depth, y * depth, depth], axis=-1).astype(np.float32)
    kinds, masks, wholes = [], [], []
    for annotation in annotate_view(instances, camera, scene, class_names):
        placement = scene.furnished.placements[annotation['instance']]
        whole = box_around(scene.furnished.models[placement.info.key], placement)
        mask = instances == annotation['instance']
        points = surface[mask] @ camera.rotation.T + camera.position
        if not annotation['iscrowd'] and whole.contains(points, THROUGH).mean() > SOLID:
            kinds.append(str(placement.info.label))
            masks.append(mask)
            wholes.append(whole)
    return View(
        kinds=tuple(kinds),
        surface=surface,
        masks=np.array(masks, bool).reshape(-1, *SIZE),
        rays=Calibration(SIZE, matrix, np.zeros(0), '').rays(is_rectified=False),
        camera_to_room=camera.pose(),
        wholes=tuple(wholes),
    )
