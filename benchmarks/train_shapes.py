"""Train from scratch on drawn shapes, on the CPU, and print the mask AP50 on unseen ones.

``python benchmarks/train_shapes.py --minutes 8`` is the whole benchmark; the exit status says
whether AP50 reached ``--least``.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from shapes import write_shapes

from yolact_core.training import load_run
from yolact_core.training.trainer import train

RUN = Path(__file__).with_name('shapes.yaml')
SIZE = (200, 200)  # pixels


def train_shapes(folder: Path, minutes: float, images: int, threads: int) -> dict[str, Any]:
    """Draw the data, train, and return the figures of the training.

    Args:
        folder: Folder for data and checkpoints.
        minutes: Time for the whole training.
        images: Number of images to train on; unseen ones are drawn from another seed.
        threads: Number of threads that PyTorch may use.
    """
    torch.set_num_threads(threads)
    seen = write_shapes(folder / 'train', images, seed=1, size=SIZE)
    unseen = write_shapes(folder / 'val', 200, seed=2, size=SIZE)
    run = load_run(
        RUN,
        [
            f'data.train={seen}',
            f'data.images={seen.parent / "images"}',
            f'data.val={unseen}',
            f'data.val_images={unseen.parent / "images"}',
            f'output={folder / "run"}',
            f'schedule.max_minutes={minutes}',
        ],
    )
    return train(run)


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--minutes', type=float, default=8.0)
    parser.add_argument('--images', type=int, default=4000)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--least', type=float, default=75.0, help='mask AP50 in percent')
    arguments = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, format='%(asctime)s %(message)s', datefmt='%H:%M:%S')
    logging.getLogger('yolact_core').setLevel(logging.INFO)
    logging.getLogger('lightning.pytorch').setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        figures = train_shapes(
            Path(folder), arguments.minutes, arguments.images, arguments.threads
        )
    print(json.dumps(figures, indent=2))
    return 0 if figures['last']['mask_ap50'] >= arguments.least else 1


if __name__ == '__main__':
    sys.exit(main())
