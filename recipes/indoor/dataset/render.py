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
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import mujoco
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.assets.models import ModelPack, load_index
from recipes.indoor.assets.photos import Photos
from recipes.indoor.dataset.annotations import Annotation, annotate_view, merge_shards
from recipes.indoor.rooms.camera import sample_view
from recipes.indoor.rooms.furnish import Decor
from recipes.indoor.rooms.lighting import photograph
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
    distractors: float = option('factor on unlabelled curtains, toys, papers and the like', 0.0)
    fresh: float = option('share of models that are made anew for every room', 0.0)
    light: Literal['hard', 'soft'] = option(
        'lights as the renderer has them, or soft shadows, dark corners and exposure', 'hard'
    )
    photos: Path | None = option('folder made by the step photos', None)
    seconds: float = option('start no shard after this', 1e9)
    output: Path = option('folder of the data set', required=True)


@dataclass(frozen=True)
class Shard:
    """Part of a data set that one process renders in one go.

    Attributes:
        options: Options of the whole data set.
        number: Number of the shard, from 0.
    """

    options: Options
    number: int

    @property
    def frames(self) -> int:
        """Number of frames in it; the last shard may have fewer than the others."""
        return min(self.options.shard, self.options.frames - self.number * self.options.shard)

    @property
    def path(self) -> Path:
        """The shard's own annotation file; it is written last."""
        return self.options.output / 'shards' / f'{self.number:05d}.json'


def run(options: Options) -> None:
    """Render all missing shards in parallel, then merge all finished ones."""
    for name in ('images', 'shards'):
        (options.output / name).mkdir(parents=True, exist_ok=True)
    numbers = range(-(-options.frames // options.shard))
    missing = [shard for shard in (Shard(options, n) for n in numbers) if not shard.path.exists()]
    start = time.time()
    deadline = start + options.seconds
    frames = failures = 0
    workers = min(options.workers, max(len(missing), 1))
    with ProcessPoolExecutor(workers, multiprocessing.get_context('spawn')) as pool:
        for future in as_completed([pool.submit(work, shard, deadline) for shard in missing]):
            try:
                done, failed = future.result()
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


def work(shard: Shard, deadline: float) -> tuple[int, int]:
    """Render one shard unless time is up; return its frames and failed scenes."""
    if time.time() > deadline:
        return 0, 0
    _, pack, decor = prepare_process(shard.options)
    return shard.frames, render_shard(shard, pack, decor)


@lru_cache(maxsize=1)
def prepare_process(options: Options) -> tuple[mujoco.GLContext, ModelPack, Decor]:
    """Return graphics context, models and decor of this process; its first shard opens them."""
    photos = Photos(options.photos) if options.photos else None
    decor = Decor(options.distractors, options.fresh, photos)
    return open_graphics(*options.size), ModelPack(options.assets, options.split), decor


def render_shard(shard: Shard, pack: ModelPack, decor: Decor | None = None) -> int:
    """Render one shard and return the number of scenes that failed.

    Raises:
        RuntimeError: Too many scenes failed.
    """
    options = shard.options
    height, width = options.size
    images: list[dict[str, object]] = []
    failures = scene_number = 0
    while len(images) < shard.frames:
        random = np.random.default_rng([options.seed, shard.number, scene_number])
        scene_number += 1
        try:
            scene = build_scene(pack, random, height, width, decor)
        except (ValueError, mujoco.FatalError) as error:
            failures += 1
            logger.warning('shard %d: left out a scene: %s', shard.number, error)
            if failures > MAX_FAILURES:
                raise RuntimeError(f'{failures} scenes failed in shard {shard.number}') from error
            continue
        wanted = min(options.views, shard.frames - len(images))
        for rgb, found in render_views(scene, random, options, pack.class_names, wanted):
            name = f'{options.split}_{shard.number:05d}_{len(images):04d}.jpg'
            path = options.output / 'images' / name
            cv2.imwrite(str(path), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            images.append(
                {'file_name': name, 'width': width, 'height': height, 'annotations': found}
            )
    unfinished = shard.path.with_suffix('.part')
    unfinished.write_text(json.dumps({'failures': failures, 'images': images}))
    unfinished.rename(shard.path)
    return failures


def render_views(
    scene: Scene, random: Generator, options: Options, class_names: list[str], count: int
) -> Iterator[tuple[NDArray[np.uint8], list[Annotation]]]:
    """Yield up to ``count`` frames of a scene with their annotations.

    Args:
        scene: The scene.
        random: Source of randomness.
        options: Options of the data set: size and light of its frames.
        class_names: Names of all classes, in class order.
        count: Number of frames.
    """
    film, is_soft = random.spawn(1)[0], options.light == 'soft'
    with closing(SceneRenderer(scene, *options.size, is_smooth=not is_soft)) as renderer:
        for _ in range(count):
            for _ in range(VIEW_TRIES):
                camera = sample_view(scene, random, *options.size)
                if camera is None:
                    return
                vary_look(scene, random)
                renderer.look(camera)
                instances = renderer.instances()
                if is_worth_keeping(instances, scene, random):
                    rgb = photograph(renderer, camera, film) if is_soft else renderer.rgb()
                    yield rgb, annotate_view(instances, camera, scene, class_names)
                    break


def is_worth_keeping(instances: NDArray[np.int32], scene: Scene, random: Generator) -> bool:
    """Return whether a view shows something, and not one thing nearly everywhere."""
    seen, counts = np.unique(instances[instances != BACKGROUND], return_counts=True)
    if len(counts) and counts.max() > MAX_COVER * instances.size:
        return False
    labels = [scene.furnished.placements[index].info.label for index in seen]
    return any(labels) or random.random() < EMPTY_SHARE
