"""What reading, writing and measuring cost beside the detector, as shares of its CPU time.

    python benchmarks/bag_overhead.py                       # official weights are not needed
    python benchmarks/bag_overhead.py --bag my.mcap --truth /camera/truth

One process, one thread. ``run`` writes instances, ``evaluate`` follows them by optical flow and,
with truth, matches them by COCO's rules.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from yolact_core import build_network, save_checkpoint
from yolact_core.cli import main as run_command
from yolact_core.detector import Detector
from yolact_ros.bag.io.writer import BagWriter
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.types import IMAGE

SIZE = (480, 640)
MOST_INSTANCES = 15  # in an image, which is a busy room
PERIOD = 66_666_667  # ns
START = 1_700_000_000_000_000_000


@dataclass
class Stopwatch:
    """CPU time of a detector.

    Args:
        seconds: CPU seconds of all calls together.
        first: CPU time of the process when the first call began.
    """

    seconds: float = 0.0
    first: float = 0.0


@contextmanager
def stopwatch_on_detectors() -> Iterator[Stopwatch]:
    """Measure all calls of detectors meanwhile."""
    stopwatch, original = Stopwatch(), Detector.__call__

    def call(detector: Detector, rgb: np.ndarray) -> object:
        began = time.process_time()
        stopwatch.first = stopwatch.first or began
        try:
            return original(detector, rgb)
        finally:
            stopwatch.seconds += time.process_time() - began

    Detector.__call__ = call  # type: ignore[assignment, method-assign]
    try:
        yield stopwatch
    finally:
        Detector.__call__ = original  # type: ignore[method-assign]


def write_bag(folder: Path, images: int) -> Path:
    """Write images of a textured plane that a camera moves over."""
    noise = np.random.default_rng(0).integers(0, 256, (70, 110, 3), dtype=np.uint8)
    plane = cv2.resize(noise, (880, 560), interpolation=cv2.INTER_CUBIC)
    with BagWriter(folder, {'/camera/image': IMAGE}) as writer:
        for index in range(images):
            x, y = 3 * index % 240, index % 80
            rgb = np.ascontiguousarray(plane[y : y + SIZE[0], x : x + SIZE[1]])
            stamp = START + index * PERIOD
            header = bag_messages.to_header(stamp, 'c')
            writer.write('/camera/image', stamp, bag_messages.to_image(rgb, 'rgb8', header))
    return folder


def make_model(name: str, path: Path) -> Path:
    """Write a network with random weights that finds many things, more than a trained one."""
    torch.manual_seed(0)
    network = build_network(name)
    with torch.no_grad():
        for key, weight in network.named_parameters():
            if key.endswith('conf_layer.weight'):
                weight.mul_(40)
    save_checkpoint(network, path)
    return path


def measure(*words: object) -> tuple[float, float]:
    """Return CPU seconds of the detector, and of all else from its first call to the end."""
    with redirect_stdout(io.StringIO()), stopwatch_on_detectors() as stopwatch:
        run_command([str(word) for word in words])
    return stopwatch.seconds, time.process_time() - stopwatch.first - stopwatch.seconds


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--bag', type=Path, help='default: a made-up one of 640 x 480')
    parser.add_argument('--truth', help='topic of the truth in the bag')
    parser.add_argument('--model', help='default: random weights')
    parser.add_argument('--config', default='yolact_resnet50', help='of random weights')
    parser.add_argument('--images', type=int, default=40, help='of the made-up bag')
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bag = arguments.bag or write_bag(folder / 'bag', arguments.images)
        model = arguments.model or make_model(arguments.config, folder / 'random.safetensors')
        chosen = ('--model', model, '--device', 'cpu')
        truth = ('--truth', arguments.truth) if arguments.truth else ()
        actions = {
            'run': ('bag', 'run', bag, '--output', folder / 'out.mcap', *chosen),
            'evaluate': ('bag', 'evaluate', bag, *truth, *chosen),
        }
        for title, words in actions.items():
            detector, rest = measure(*words)
            print(f'{title}: {100 * rest / detector:.1f} % beside the detector (CPU time)')


if __name__ == '__main__':
    main()
