"""Render random rooms with exact instance masks into a COCO data set.

Finished shards are kept, so that a run that was stopped goes on where it was. What a shard
shows depends on the seed, its number and the options, not on the number of workers.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import mujoco
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.assets.models import ModelPack, load_index
from recipes.indoor.dataset.annotations import Annotation, annotate_view, merge_shards
from recipes.indoor.rooms.camera import sample_view
from recipes.indoor.rooms.rendering import SceneRenderer, open_graphics
from recipes.indoor.rooms.scene import BACKGROUND, Scene, build_scene, vary_look
from yolact_core.cli.options import option

JPEG_QUALITY = 92
MAX_FAILURES = 50  # scenes of one shard
MAX_COVER = 0.75  # of a frame that one object may fill
EMPTY_SHARE = 0.1  # of views without any labelled instance are kept
VIEW_TRIES = 4

logger = logging.getLogger(__name__)


def parse_size(text: str) -> tuple[int, int]:
    """Return height and width of a text such as ``480x640``."""
    height, _, width = text.partition('x')
    return int(height), int(width)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``render``."""

    assets: Path = option('pack made by the step assets', required=True)
    split: Literal['train', 'val', 'test'] = option('whose models stand in the rooms', 'train')
    frames: int = option('frames of the whole data set', 1000)
    seed: int = option('seed of the whole data set', 0)
    workers: int = option('processes', os.cpu_count() or 1)
    size: tuple[int, int] = option('HEIGHTxWIDTH in px', (480, 640), type=parse_size)
    views: int = option('frames per scene', 6)
    shard: int = option('frames per shard', 250)
    seconds: float = option('start no shard after this', 1e9)
    output: Path = option('folder of the data set', required=True)


@dataclass(frozen=True)
class ShardTask:
    """What decides the content of one shard, and where it goes.

    Attributes:
        number: Number of the shard, from 0.
        frames: Number of frames to render.
        seed: Seed of the whole data set.
        views: Frames per scene.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        folder: Folder of the data set.
        prefix: What file names of images begin with.
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


class Worker:
    """State of one process: the graphics context and the models it has read."""

    current: Worker | None = None

    def __init__(self, options: Options, deadline: float) -> None:
        self.context = open_graphics(*options.size)
        self.pack = ModelPack(options.assets, options.split)
        self.deadline = deadline

    @classmethod
    def start(cls, options: Options, deadline: float) -> None:
        """Set up this process."""
        logging.basicConfig(level=logging.WARNING, format='%(message)s')
        cls.current = cls(options, deadline)

    @classmethod
    def run(cls, task: ShardTask) -> tuple[int, int]:
        """Render one shard unless time is up; return its frames and failed scenes."""
        worker = cls.current
        if worker is None or time.time() > worker.deadline:
            return 0, 0
        return task.frames, render_shard(task, worker.pack)


def run(options: Options) -> None:
    """Render all missing shards in parallel, then merge all finished ones."""
    for name in ('images', 'shards'):
        (options.output / name).mkdir(parents=True, exist_ok=True)
    tasks = plan(options)
    start = time.time()
    frames = failures = 0
    with ProcessPoolExecutor(
        min(options.workers, max(len(tasks), 1)),
        multiprocessing.get_context('spawn'),
        Worker.start,
        (options, start + options.seconds),
    ) as pool:
        for shard in as_completed([pool.submit(Worker.run, task) for task in tasks]):
            try:
                done, failed = shard.result()
            except RuntimeError as error:
                logger.warning('a shard is missing: %s', error)
                continue
            frames, failures = frames + done, failures + failed
    elapsed = time.time() - start
    logger.info('rendered %d frames in %.0f s (%.1f/s), %d scenes failed', frames, elapsed,
                frames / elapsed, failures)  # fmt: skip
    weights, _ = load_index(options.assets)
    shards = (options.output / 'shards').glob('*.json')
    counts = merge_shards(shards, list(weights), options.output / 'instances.json')
    logger.info('%s: %d images, %d annotations', options.output / 'instances.json', *counts)


def plan(options: Options) -> list[ShardTask]:
    """Return the shards of the data set that are still to be rendered."""
    height, width = options.size
    tasks = [
        ShardTask(
            number=number,
            frames=min(options.shard, options.frames - number * options.shard),
            seed=options.seed,
            views=options.views,
            height=height,
            width=width,
            folder=options.output,
            prefix=options.split,
        )
        for number in range(-(-options.frames // options.shard))
    ]
    return [task for task in tasks if not task.path.exists()]


def render_shard(task: ShardTask, pack: ModelPack) -> int:
    """Render one shard and return the number of scenes that failed.

    Raises:
        RuntimeError: Too many scenes failed.
    """
    images: list[dict[str, object]] = []
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
) -> Iterator[tuple[NDArray[np.uint8], list[Annotation]]]:
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
