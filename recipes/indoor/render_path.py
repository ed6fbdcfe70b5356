"""Render a camera that moves through one room: colour, depth, masks and poses of every frame.

The output is a COCO file whose annotations carry an ``instance`` number that an object keeps
over all frames, 16 bit depth images in millimetres, ``poses.json``, and ``CREDITS.md`` with the
models that stand in the room.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from attribution import credits_table
from coco import merge_shards
from frames import annotate_view
from pack import ModelPack
from render import parse_size
from rendering import Camera, SceneRenderer, open_graphics
from scene import Scene, build_scene, vary_look
from views import is_clear, looking_at

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

TRIES = 300
EYE_CLEARANCE = 0.15  # m
FOV_Y = np.radians(56)

logger = logging.getLogger('render_path')


def sample_path(scene: Scene, random: Generator, count: int) -> list[Camera]:
    """Return ``count`` cameras along an arc through free space that looks into the room.

    Raises:
        RuntimeError: The room is too full.
    """
    room = scene.furnished.room
    for _ in range(TRIES):
        radius = random.uniform(0.15, 0.4) * np.array([room.width, room.depth])
        angles = random.uniform(0, 2 * np.pi) + np.linspace(0, random.uniform(0.6, 2.5), count)
        heights = random.uniform(1.0, 1.6) + 0.15 * np.sin(angles * 2)
        eyes = np.stack([*(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)).T,
                         heights], axis=1)  # fmt: skip
        if all(is_clear(scene, eye, EYE_CLEARANCE) for eye in eyes):
            target = np.array([*(-0.7 * eyes[count // 2, :2]), random.uniform(0.3, 0.9)])
            return [looking_at(eye, target, 0.0, FOV_Y) for eye in eyes]
    raise RuntimeError(f'found no free camera path in {TRIES} tries; take another seed')


def pose(camera: Camera) -> list[list[float]]:
    """Return the transform from camera axes (right, down, forward) to the room, shape (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = camera.rotation, camera.position
    rows: list[list[float]] = matrix.tolist()
    return rows


def render_path(
    scene: Scene, cameras: list[Camera], size: tuple[int, int], names: list[str], output: Path
) -> None:
    """Write the frames, depth images, annotations and poses of a camera path."""
    for folder in ('images', 'depth'):
        (output / folder).mkdir(parents=True, exist_ok=True)
    renderer = SceneRenderer(scene, *size)
    images = []
    for number, camera in enumerate(cameras):
        renderer.look(camera)
        annotations = annotate_view(renderer.instances(), camera, scene, names)
        name = f'{number:05d}.png'
        cv2.imwrite(str(output / 'images' / name), renderer.rgb()[..., ::-1])
        cv2.imwrite(str(output / 'depth' / name), to_millimetres(renderer.depth()))
        images.append({'file_name': name, 'height': size[0], 'width': size[1],
                       'annotations': annotations})  # fmt: skip
    renderer.close()
    shard = output / 'shard.json'
    shard.write_text(json.dumps({'images': images}))
    merge_shards([shard], names, output / 'instances.json')
    shard.unlink()
    poses = {
        'intrinsics': cameras[0].intrinsics(*size).tolist(),
        'camera_to_room': [pose(camera) for camera in cameras],
    }
    (output / 'poses.json').write_text(json.dumps(poses))
    models = (placement.info for placement in scene.furnished.placements)
    (output / 'CREDITS.md').write_text(credits_table(models))


def to_millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return depth in metres as 16 bit millimetres; 0 where it is out of range."""
    millimetres = np.round(depth * 1000)
    return np.where(millimetres < 65536, millimetres, 0).astype(np.uint16)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--assets', type=Path, required=True, help='pack made by assets.py')
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='test')
    parser.add_argument('--frames', type=int, default=150)
    parser.add_argument('--seed', type=int, default=0, help='of the room and the path')
    parser.add_argument('--size', type=parse_size, default=(480, 640), help='HEIGHTxWIDTH in px')
    parser.add_argument('--output', type=Path, required=True, help='folder to write')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    context = open_graphics(*arguments.size)
    random = np.random.default_rng(arguments.seed)
    pack = ModelPack(arguments.assets, arguments.split)
    scene = build_scene(pack, random, *arguments.size)
    vary_look(scene, random)
    cameras = sample_path(scene, random, arguments.frames)
    render_path(scene, cameras, arguments.size, pack.class_names, arguments.output)
    context.free()
    logger.info('wrote %d frames to %s', len(cameras), arguments.output)


if __name__ == '__main__':
    main()
