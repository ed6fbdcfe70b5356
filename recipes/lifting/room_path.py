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
from recipes.indoor.rooms.layout import Placement
from recipes.indoor.rooms.rendering import SceneRenderer, open_graphics
from recipes.indoor.rooms.scene import Scene, build_scene, vary_look
from recipes.lifting.boxes import UprightBox
from recipes.lifting.views import View
from yolact_core.lifting import Calibration

SEED, FRAMES, SIZE = 12, 150, (480, 640)  # as recipes/indoor/Makefile and its steps have them


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
    """Return what is seen of a room; what is too small or too hidden to be found is left out.

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
    annotations = annotate_view(instances, camera, scene, class_names)
    indices = [one['instance'] for one in annotations if not one['iscrowd']]
    placements = [scene.furnished.placements[index] for index in indices]
    return View(
        kinds=tuple(str(placement.info.label) for placement in placements),
        surface=np.stack([x * depth, y * depth, depth], axis=-1).astype(np.float32),
        masks=instances == np.array(indices, np.int32).reshape(-1, 1, 1),
        rays=Calibration(SIZE, matrix, np.zeros(0), '').rays(is_rectified=False),
        camera_to_room=camera.pose(),
        wholes=tuple(to_box(placement) for placement in placements),
    )


def to_box(placement: Placement) -> UprightBox:
    """Return the box around the whole of a placement."""
    size = np.array(placement.info.size) * placement.scale
    centre = placement.position + np.array([0, 0, size[2] / 2])
    return UprightBox(centre, size, placement.yaw)
