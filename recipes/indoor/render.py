"""Render random rooms with exact instance masks into a COCO data set.

Finished shards are kept, so that a run that was stopped goes on where it was. What a shard
shows depends on the seed, its number and the options, not on the number of workers.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from coco import merge_shards
from frames import ShardTask, render_shard
from models import load_index
from pack import ModelPack
from rendering import open_graphics

logger = logging.getLogger('render')


class Worker:
    """State of one process: the graphics context and the models it has read."""

    current: Worker | None = None

    def __init__(self, assets: Path, split: str, deadline: float, size: tuple[int, int]) -> None:
        """Open the graphics context of this process."""
        self.context = open_graphics(*size)
        self.pack = ModelPack(assets, split)
        self.deadline = deadline

    @classmethod
    def start(cls, assets: Path, split: str, deadline: float, size: tuple[int, int]) -> None:
        """Set up this process."""
        logging.basicConfig(level=logging.WARNING, format='%(message)s')
        cls.current = cls(assets, split, deadline, size)

    @classmethod
    def run(cls, task: ShardTask) -> tuple[int, int]:
        """Render one shard unless time is up; return its frames and failed scenes."""
        worker = cls.current
        if worker is None or time.time() > worker.deadline:
            return 0, 0
        return task.frames, render_shard(task, worker.pack)


def parse_size(text: str) -> tuple[int, int]:
    """Return height and width of a text such as ``480x640``."""
    height, _, width = text.partition('x')
    return int(height), int(width)


def plan(arguments: argparse.Namespace) -> list[ShardTask]:
    """Return the shards of the data set that are still to be rendered."""
    height, width = arguments.size
    tasks = [
        ShardTask(number, min(arguments.shard, arguments.frames - number * arguments.shard),
                  arguments.seed, arguments.views, height, width, arguments.output,
                  arguments.split)
        for number in range(-(-arguments.frames // arguments.shard))
    ]  # fmt: skip
    return [task for task in tasks if not task.path.exists()]


def render(arguments: argparse.Namespace) -> None:
    """Render all missing shards in parallel, then merge all finished ones."""
    for name in ('images', 'shards'):
        (arguments.output / name).mkdir(parents=True, exist_ok=True)
    tasks = plan(arguments)
    start = time.time()
    initial = (arguments.assets, arguments.split, start + arguments.seconds, arguments.size)
    frames = failures = 0
    with ProcessPoolExecutor(
        min(arguments.workers, max(len(tasks), 1)),
        multiprocessing.get_context('spawn'),
        Worker.start,
        initial,
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
    weights, _ = load_index(arguments.assets)
    shards = (arguments.output / 'shards').glob('*.json')
    counts = merge_shards(shards, list(weights), arguments.output / 'instances.json')
    logger.info('%s: %d images, %d annotations', arguments.output / 'instances.json', *counts)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--assets', type=Path, required=True, help='pack made by assets.py')
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='train')
    parser.add_argument('--frames', type=int, default=1000, help='of the whole data set')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--workers', type=int, default=os.cpu_count() or 1, help='processes')
    parser.add_argument('--size', type=parse_size, default=(480, 640), help='HEIGHTxWIDTH in px')
    parser.add_argument('--views', type=int, default=6, help='frames per scene')
    parser.add_argument('--shard', type=int, default=250, help='frames per shard')
    parser.add_argument('--seconds', type=float, default=1e9, help='start no shard after this')
    parser.add_argument('--output', type=Path, required=True, help='folder of the data set')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    render(arguments)


if __name__ == '__main__':
    main()
