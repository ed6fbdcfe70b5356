"""From a network to its graph, of which files for other runtimes are made."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from yolact_core.network.merging import merge_heads


def trace_network(network: nn.Module, image: Tensor) -> ExportedProgram:
    """Return the graph of a network for any number of images of the shape and type of one."""
    images = torch.stack([image, image])  # of a single one, tracing would make a constant
    with torch.no_grad():
        return torch.export.export(
            merge_heads(network), (images,), dynamic_shapes=({0: Dim('batch')},)
        )
