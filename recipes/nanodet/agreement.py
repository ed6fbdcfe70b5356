"""Whether our network says the same as NanoDet's own graph, which TensorFlow.js runs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from recipes.nanodet.convert import CLASSES, LEVELS
from recipes.nanodet.weights import fetch_graph
from recipes.packages import Package, fetch_files
from yolact_core.checkpoints.checkpoint import load_network
from yolact_core.cli.options import argument, option
from yolact_core.media.image_files import read_image
from yolact_core.network import Yolact
from yolact_core.network.heads import DISTANCE_BINS, mean_distances
from yolact_core.terminal import say

LIBRARY = Package(
    registry='npm',
    name='@tensorflow/tfjs',
    version='4.22.0',
    sha256='56505c191e24116787477b3bb5bb1cc0cf1c2bdce8112b9c402a8a2d31cf2f00',
)
SCRIPT = 'tf.min.js'
MEMBERS = {
    f'package/dist/{SCRIPT}': '300dfae273d20b4046f46a06d735688f03675a807561e9bcb5f664eb2f3d2831',
}
RUNNER = Path(__file__).with_name('run_graph.js')
OUTPUTS = ['Identity', *(f'Identity_{index}' for index in range(1, 2 * LEVELS))]
BGR_MEAN = (103.53, 116.28, 123.675)
BGR_STD = (57.375, 57.12, 58.395)
MOST_DIFFERENT = 1e-4


class Agreement(NamedTuple):
    """Largest differences between the network and the graph.

    Attributes:
        scores: Difference of class scores, which are in (0, 1).
        distances: Difference of distances from a cell's centre to a side, in strides.
    """

    scores: float
    distances: float


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``agree``."""

    model: Path = argument('checkpoint of the step trunk')
    pictures: tuple[Path, ...] = argument('picture to compare on', nargs='+')
    cache: Path = option('folder that keeps what is fetched', Path('out/packages'))


def run(options: Options) -> None:
    """Compare a network with NanoDet's graph on pictures, and fail if they differ."""
    network = load_network(options.model)
    for picture in options.pictures:
        found = compare(network, read_image(picture), options.cache)
        say(f'{picture.name}: scores differ by {found.scores:.1e}, distances by '
            f'{found.distances:.1e} strides')  # fmt: skip
        if max(found) > MOST_DIFFERENT:
            raise SystemExit(f'{options.model} must agree with the graph to {MOST_DIFFERENT}')


def compare(network: Yolact, rgb: NDArray[np.uint8], cache: Path) -> Agreement:
    """Return how much a network differs from NanoDet's graph in one picture.

    Args:
        network: Network with NanoDet's weights.
        rgb: The picture, shape (H, W, 3).
        cache: Folder that keeps what is fetched.

    Raises:
        SystemExit: Something cannot be fetched, or the graph cannot be run.
    """
    side = network.config.input_size
    square = np.asarray(cv2.resize(rgb, (side, side)), np.uint8)
    scores, bins = split_levels(run_graph(prepare(square), cache))
    with torch.inference_mode():
        image = torch.from_numpy(square).permute(2, 0, 1).float()
        prediction = network(network.normalize(image)[None])
    return Agreement(
        float((prediction.class_logits[0].sigmoid() - scores).abs().max()),
        float((prediction.box_offsets - mean_distances(bins[None])).abs().max()),
    )


def prepare(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the input of the graph, blue first, shape (1, 3, S, S).

    Args:
        rgb: A square picture, shape (S, S, 3).
    """
    normal = (rgb[..., ::-1] - np.array(BGR_MEAN)) / np.array(BGR_STD)
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[None], np.float32)


def run_graph(image: NDArray[np.float32], cache: Path) -> NDArray[np.float32]:
    """Return the values of all outputs of NanoDet's graph, one after the other.

    Args:
        image: Input of the graph, shape (1, 3, S, S).
        cache: Folder that keeps what is fetched.

    Raises:
        SystemExit: Something cannot be fetched, or the graph cannot be run.
    """
    if not shutil.which('node'):
        raise SystemExit('node must be installed to run TensorFlow.js, got none')
    library = fetch_files(LIBRARY, MEMBERS, cache) / SCRIPT
    with tempfile.TemporaryDirectory() as folder:
        given, output = Path(folder) / 'input', Path(folder) / 'output'
        image.tofile(given)
        paths = RUNNER, library, fetch_graph(cache), given, output
        words = ['node', *map(str, paths), *OUTPUTS]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f'node must be able to run the graph, got: {done.stderr.strip()}')
        return np.fromfile(output, np.float32)


def split_levels(values: NDArray[np.float32]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores, (A, C), and logits of distance bins, (A, 4 * bins), of all levels together.

    Args:
        values: Scores of each level, then bins of each level.
    """
    cells = len(values) // (CLASSES + 4 * DISTANCE_BINS)
    scores, bins = np.split(values, [cells * CLASSES])
    return torch.from_numpy(scores).view(cells, -1), torch.from_numpy(bins).view(cells, -1)
