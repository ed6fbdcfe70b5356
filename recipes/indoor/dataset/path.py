"""Render a camera that moves through one room: colour, depth, masks and poses of every frame.

The output is a COCO file whose annotations carry an ``instance`` number that an object keeps
over all frames, 16 bit depth images in millimetres, ``poses.json``, and ``CREDITS.md`` with the
models that stand in the room.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.indoor.assets.build import credits_table
from recipes.indoor.assets.models import ModelPack
from recipes.indoor.dataset.annotations import (
    AnnotatedImage,
    annotate_view,
    read_coco,
    write_coco,
)
from recipes.indoor.dataset.render import parse_size
from recipes.indoor.rooms.camera import Camera, sample_path
from recipes.indoor.rooms.layout import Placement
from recipes.indoor.rooms.rendering import SceneRenderer, open_graphics
from recipes.indoor.rooms.scene import Scene, build_scene, vary_look
from yolact_core.cli.options import option

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``path``."""

    assets: Path = option('pack made by the step assets', required=True)
    split: Literal['train', 'val', 'test'] = option('whose models stand in the room', 'test')
    frames: int = option('frames along the path', 150)
    seed: int = option('seed of the room and the path', 0)
    size: tuple[int, int] = option('HEIGHTxWIDTH in px', (480, 640), type=parse_size)
    output: Path = option('folder to write', required=True)


def run(options: Options) -> None:
    """Furnish a room, lead a camera through it, and render what it sees."""
    context = open_graphics(*options.size)
    random = np.random.default_rng(options.seed)
    pack = ModelPack(options.assets, options.split)
    scene = build_scene(pack, random, *options.size)
    vary_look(scene, random)
    cameras = sample_path(scene, random, options.frames)
    render_path(scene, cameras, options.size, pack.class_names, options.output)
    context.free()
    logger.info('wrote %d frames to %s', len(cameras), options.output)


def render_path(
    scene: Scene,
    cameras: list[Camera],
    size: tuple[int, int],
    names: list[str],
    output: Path,
    moves: Sequence[Mapping[int, Placement]] = (),
) -> None:
    """Write the frames, depth images, annotations and poses of a camera path.

    Args:
        scene: The scene that the cameras look at.
        cameras: One camera for each frame; all have the same field of view.
        size: Height and width of the frames in pixels.
        names: Names of all classes, in class order.
        output: Folder to write.
        moves: New placements, by index, for each frame; without them nothing moves.
    """
    for folder in ('images', 'depth'):
        (output / folder).mkdir(parents=True, exist_ok=True)
    images = []
    with (
        closing(SceneRenderer(scene, *size)) as renderer,
        closing(SceneRenderer(scene, *size, is_smooth=False)) as gauge,
    ):
        for number, (camera, moved) in enumerate(
            zip(cameras, moves or [{}] * len(cameras), strict=True)
        ):
            scene = scene.move(moved)
            renderer.look(camera)
            gauge.look(camera)
            annotations = annotate_view(renderer.instances(), camera, scene, names)
            name = f'{number:05d}.png'
            cv2.imwrite(str(output / 'images' / name), renderer.rgb()[..., ::-1])
            cv2.imwrite(str(output / 'depth' / name), to_millimetres(gauge.depth()))
            images.append({'file_name': name, 'height': size[0], 'width': size[1],
                           'annotations': annotations})  # fmt: skip
    write_coco(images, names, output / 'instances.json')
    poses = {
        'intrinsics': cameras[0].intrinsics(*size).tolist(),
        'camera_to_room': [camera.pose().tolist() for camera in cameras],
    }
    (output / 'poses.json').write_text(json.dumps(poses))
    models = (placement.info for placement in scene.furnished.placements)
    (output / 'CREDITS.md').write_text(credits_table(models))


def to_millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return depth in metres as 16 bit millimetres; 0 where it is out of range."""
    millimetres = np.round(depth * 1000)
    return np.where(millimetres < 65536, millimetres, 0).astype(np.uint16)


class CameraPath:
    """A rendered camera path, read back.

    Args:
        folder: Output folder of the step ``path``.

    Attributes:
        frames: Images along the path.
        class_names: Names of all classes, in class order.
        intrinsics: Projection to pixels counted from the corner of the first one, shape (3, 3).
        camera_to_room: Transform from camera axes (right, down, forward) of each frame, shape
            (N, 4, 4).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.frames, self.class_names = read_coco(folder / 'instances.json')
        poses = json.loads((folder / 'poses.json').read_text())
        self.intrinsics = np.array(poses['intrinsics'])
        self.camera_to_room = np.array(poses['camera_to_room'])

    def read(self, kind: str, frame: AnnotatedImage) -> NDArray[Any]:
        """Return the pixels of one frame; ``kind`` is ``images`` (BGR) or ``depth`` (mm)."""
        return np.asarray(cv2.imread(str(self.folder / kind / frame.name), cv2.IMREAD_UNCHANGED))
