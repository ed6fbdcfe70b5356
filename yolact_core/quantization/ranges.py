"""What the values in a network usually are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule, Interpreter, Node

from yolact_core.quantization.graph import names_of_values, prepare

Ranges = dict[str, Tensor]  # low, high and mean by channel, (3, C), float16, by name of the value


@torch.no_grad()
def measure_ranges(graph: GraphModule, images: Iterable[Tensor]) -> Ranges:
    """Return the ranges of all values that convolutions take.

    A range is one deviation wider than the mean of the images' extremes: the largest value of
    all would leave most of the steps of int8 to a single picture.

    Args:
        graph: Traced network in evaluation mode.
        images: Normalized images, each of shape (1, 3, S, S).
    """
    watcher = _Watcher(prepare(graph))
    for image in images:
        watcher.run(image)
    return {name: _summarize(torch.stack(some)) for name, some in watcher.found.items()}


class _Watcher(Interpreter):
    """Runs a graph and notes lowest, highest and mean of each channel."""

    def __init__(self, graph: GraphModule) -> None:
        super().__init__(graph)
        self.found: dict[str, list[Tensor]] = defaultdict(list)  # of each image (3, C)
        self._names = names_of_values(graph.graph)

    def run_node(self, n: Node) -> Any:  # noqa: ANN401 - whatever a node returns
        """Return what a node returns."""
        result = super().run_node(n)
        if n in self._names:
            extremes = result.amin((0, 2, 3)), result.amax((0, 2, 3)), result.mean((0, 2, 3))
            self.found[self._names[n]].append(torch.stack(extremes))
        return result


def _summarize(per_image: Tensor) -> Tensor:
    """Return the range of a value, (N, 3, C) -> (3, C)."""
    low, high, mean = per_image.unbind(1)
    low_spread, high_spread = low.std(0, correction=0), high.std(0, correction=0)
    summary = [low.mean(0) - low_spread, high.mean(0) + high_spread, mean.mean(0)]
    return torch.stack(summary).half()
