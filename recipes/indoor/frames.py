"""Render the frames of one shard: several views of each of several scenes."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import mujoco
import numpy as np
from coco import annotate, visible_share
from rendering import Camera, SceneRenderer
from scene import BACKGROUND, Scene, build_scene, vary_look
from views import sample_view

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray
    from pack import ModelPack

JPEG_QUALITY = 92
MAX_FAILURES = 50  # scenes of one shard
MAX_COVER = 0.75  # of a frame that one object may fill
EMPTY_SHARE = 0.1  # of views without any labelled instance are kept
VIEW_TRIES = 4

logger = logging.getLogger('render')


@dataclass(frozen=True)
class ShardTask:
    """What decides the content of one shard, and where it goes.

    Attributes:
        number: Of the shard, from 0.
        frames: How many to render.
        seed: Of the whole data set.
        views: Frames per scene.
        height: Of a frame in pixels.
        width: Of a frame in pixels.
        folder: Of the data set.
        prefix: Of the file names.
    """

    number: int
    frames: int
    seed: int
    views: int
    height: int
    width: int
    folder: Path
    prefix: str

    @property
    def path(self) -> Path:
        """The shard's own annotation file; it is written last."""
        return self.folder / 'shards' / f'{self.number:05d}.json'


def render_shard(task: ShardTask, pack: ModelPack) -> int:
    """Render one shard and return the number of scenes that failed.

    Raises:
        RuntimeError: Too many scenes failed.
    """
    images: list[dict[str, Any]] = []
    failures = scene_number = 0
    while len(images) < task.frames:
        random = np.random.default_rng([task.seed, task.number, scene_number])
        scene_number += 1
        try:
            scene = build_scene(pack, random, task.height, task.width)
        except (ValueError, mujoco.FatalError) as error:
            failures += 1
            logger.warning('shard %d: left out a scene: %s', task.number, error)
            if failures > MAX_FAILURES:
                raise RuntimeError(f'{failures} scenes failed in shard {task.number}') from error
            continue
        wanted = min(task.views, task.frames - len(images))
        for rgb, found in render_views(scene, random, task, pack.class_names, wanted):
            name = f'{task.prefix}_{task.number:05d}_{len(images):04d}.jpg'
            path = task.folder / 'images' / name
            cv2.imwrite(str(path), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            images.append(
                {'file_name': name, 'width': task.width, 'height': task.height,
                 'annotations': found}
            )  # fmt: skip
    unfinished = task.path.with_suffix('.part')
    unfinished.write_text(json.dumps({'failures': failures, 'images': images}))
    unfinished.rename(task.path)
    return failures


def render_views(
    scene: Scene, random: Generator, task: ShardTask, class_names: list[str], count: int
) -> Iterator[tuple[NDArray[np.uint8], list[dict[str, Any]]]]:
    """Yield up to ``count`` frames of a scene with their annotations."""
    renderer = SceneRenderer(scene, task.height, task.width)
    try:
        for _ in range(count):
            for _ in range(VIEW_TRIES):
                camera = sample_view(scene, random, task.height, task.width)
                if camera is None:
                    return
                vary_look(scene, random)
                renderer.look(camera)
                instances = renderer.instances()
                if is_worth_keeping(instances, scene, random):
                    yield renderer.rgb(), annotate_view(instances, camera, scene, class_names)
                    break
    finally:
        renderer.close()


def is_worth_keeping(instances: NDArray[np.int32], scene: Scene, random: Generator) -> bool:
    """Return whether a view shows something, and not one thing nearly everywhere."""
    seen, counts = np.unique(instances[instances != BACKGROUND], return_counts=True)
    if len(counts) and counts.max() > MAX_COVER * instances.size:
        return False
    labels = [scene.furnished.placements[index].info.label for index in seen]
    return any(labels) or random.random() < EMPTY_SHARE


def annotate_view(
    instances: NDArray[np.int32], camera: Camera, scene: Scene, class_names: list[str]
) -> list[dict[str, Any]]:
    """Return the annotations of all labelled instances in a view."""
    annotations = []
    for index in np.unique(instances[instances != BACKGROUND]).tolist():
        label = scene.furnished.placements[index].info.label
        if label is None:
            continue
        mask = instances == index
        outline = camera.project(scene.outline_points(index), *instances.shape)
        share = visible_share(mask, outline)
        annotation = annotate(mask, class_names.index(label) + 1, share)
        if annotation:
            annotations.append({**annotation, 'instance': index})
    return annotations
