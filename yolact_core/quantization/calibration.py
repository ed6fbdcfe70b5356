"""Networks in int8: calibrated with images, and rounded by what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from yolact_core.errors import InputError
from yolact_core.inference.preprocessing import BytePreprocessor, Normalizer
from yolact_core.media.image_files import find_images, read_image
from yolact_core.network import Yolact
from yolact_core.quantization.quantize import quantize
from yolact_core.quantization.ranges import measure_ranges
from yolact_core.quantization.tracing import trace_network

if TYPE_CHECKING:
    from yolact_core.config import ModelConfig

MOST = 300  # images, evenly from the folder: more change little


def calibrate(network: Yolact, folder: Path) -> list[Tensor]:
    """Give a network the ranges that int8 needs.

    Args:
        network: Network in evaluation mode, on the CPU.
        folder: Folder as for ``read_calibration``.

    Returns:
        What ``read_calibration`` returns.

    Raises:
        InputError: There is no image in the folder, or one cannot be read.
    """
    images = read_calibration(folder, network.config)
    network.ranges = measure_ranges(
        _graph_of(network, network.config), map(Normalizer(network.config), images)
    )
    return images


def read_calibration(folder: Path, config: ModelConfig) -> list[Tensor]:
    """Return images that show what ranges a network's values usually have, (1, S, S, 3) each.

    Args:
        folder: Images of what the robot sees, at any depth; 100 to 300 are enough.
        config: Configuration that gives the size.

    Raises:
        InputError: There is no image in the folder, or one cannot be read.
    """
    preprocess = BytePreprocessor(config)
    paths = find_images(folder, MOST, 'calibration folder')
    return [preprocess([read_image(path)]).clone() for path in paths]


def quantize_network(
    network: Yolact, is_symmetric: bool = False, module: nn.Module | None = None
) -> GraphModule:
    """Return a network that rounds to int8 by its ranges.

    Args:
        network: Network in evaluation mode, on the CPU, with its ranges.
        is_symmetric: Whether 0 must be the middle of the whole numbers, as for ``quantize``.
        module: What is returned in int8 instead: a module that holds the network as ``network``.

    Raises:
        InputError: It has no ranges, or those of another network.
    """
    if not network.ranges:
        raise InputError(
            'precision int8 must be calibrated with images, got a checkpoint that was not: run '
            '"yolact export --precision int8 --calibration DIR" and load the file that it writes'
        )
    return quantize(_graph_of(module or network, network.config), network.ranges, is_symmetric)


def _graph_of(module: nn.Module, config: ModelConfig) -> GraphModule:
    """Return the graph of a module, which takes normalized images as the module does."""
    graph: GraphModule = trace_network(
        module, torch.zeros(3, config.input_size, config.input_size)
    ).module()
    return graph
