"""From NanoDet-g as a TensorFlow.js graph to a network of ours.

The graph has its batch norms folded and its values in half precision. Its convolutions are
numbered as they were built: those of the backbone, the laterals of the pyramid, shallow first,
then for each level a hidden one, and one that gives classes and distances together.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from yolact_core.network.heads import DISTANCE_BINS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from yolact_core.network import Yolact

LEVELS = 3
CLASSES = 80
STEM = 'backbone.conv1.0'
OUTPUTS = {'conf_layer': CLASSES, 'bbox_layer': 4 * DISTANCE_BINS}  # of one convolution


class Graph(NamedTuple):
    """A graph of TensorFlow.js.

    Attributes:
        nodes: Nodes by name.
        arrays: Values of the constants by name.
    """

    nodes: dict[str, dict[str, Any]]
    arrays: dict[str, NDArray[np.generic]]


class Convolution(NamedTuple):
    """The weights of a convolution.

    Attributes:
        weight: Kernel, shape (out, in, height, width).
        bias: What is added, shape (out,).
    """

    weight: Tensor
    bias: Tensor


def read_graph(path: Path) -> Graph:
    """Read a TensorFlow.js graph and its weights.

    Args:
        path: The JSON file; the files of weights that it names are beside it.

    Raises:
        SystemExit: The files of weights have another length than the graph says.
    """
    content = json.loads(path.read_text())
    arrays: dict[str, NDArray[np.generic]] = {}
    for group in content['weightsManifest']:
        data = b''.join((path.parent / name).read_bytes() for name in group['paths'])
        dtypes = [np.dtype(one.get('quantization', one)['dtype']) for one in group['weights']]
        counts = [math.prod(one['shape']) for one in group['weights']]
        wanted = sum(dtype.itemsize * count for dtype, count in zip(dtypes, counts, strict=True))
        if len(data) != wanted:
            names = ', '.join(group['paths'])
            raise SystemExit(f'{names} beside {path} must have {wanted} bytes, got {len(data)}')
        start = 0
        for one, dtype, count in zip(group['weights'], dtypes, counts, strict=True):
            values = np.frombuffer(data, dtype, count, start)
            arrays[one['name']] = values.astype(one['dtype']).reshape(one['shape'])
            start += dtype.itemsize * count
    return Graph({node['name']: node for node in content['modelTopology']['node']}, arrays)


def read_convolution(graph: Graph, index: int) -> Convolution:
    """Return the convolution of a number, with the bias that is added behind it."""
    name = f'PartitionedCall/convolution{f"_{index}" if index else ""}'
    ((bias,),) = (
        [other for other in node['input'] if other != name]
        for node in graph.nodes.values()
        if node['op'] in ('Add', 'AddV2') and name in node.get('input', [])
    )
    kernel = torch.from_numpy(graph.arrays[graph.nodes[name]['input'][1]])
    return Convolution(
        kernel.permute(3, 2, 0, 1).contiguous(), torch.from_numpy(graph.arrays[bias]).flatten()
    )


def load_nanodet(network: Yolact, graph: Graph) -> None:
    """Load NanoDet's backbone, pyramid, boxes and classes; other parts stay as they are.

    Args:
        network: Network whose first head is NanoDet's, as in ``yolact_nanodet``.
        graph: NanoDet's graph.
    """
    weights: dict[str, Tensor] = {}
    for index, name in enumerate(convolution_names(network)):
        for target, part in name_parts(name, read_convolution(graph, index)):
            weights[f'{target}.weight'], weights[f'{target}.bias'] = part
    weights[f'{STEM}.weight'] = weights[f'{STEM}.weight'].flip(1)  # NanoDet takes blue first
    network.load_state_dict({**network.state_dict(), **weights})


def convolution_names(network: Yolact) -> Iterator[str]:
    """Yield the name that each convolution of the graph has here, in the order of the graph."""
    for key in network.state_dict():
        if key.startswith('backbone.') and key.endswith('.weight'):
            yield key.removesuffix('.weight')
    for level in reversed(range(LEVELS)):  # ours are deepest first
        yield f'fpn.lat_layers.{level}'
    for level in range(LEVELS):
        yield from (f'prediction_layers.0.{level}.{layer}' for layer in ('upfeature.0', 'outputs'))


def name_parts(name: str, convolution: Convolution) -> Iterator[tuple[str, Convolution]]:
    """Yield the parts of a convolution of the graph that are layers of their own here."""
    head, _, layer = name.rpartition('.')
    if layer != 'outputs':
        yield name, convolution
        return
    weights, biases = (values.split(list(OUTPUTS.values())) for values in convolution)
    for target, *values in zip(OUTPUTS, weights, biases, strict=True):
        yield f'{head}.{target}', Convolution(*values)
