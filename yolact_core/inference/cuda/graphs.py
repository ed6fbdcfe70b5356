"""CUDA graphs: a function's launches recorded once and replayed as one."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

WARM_UPS = 3  # calls in which libraries choose their algorithms, as PyTorch's manual advises
MOST = 8  # recordings that are kept; each holds memory of its own
PLAIN_CALLS = 4  # before a recording, which costs many calls: images may all differ in size

Function = Callable[..., tuple[Tensor, ...]]


@dataclass(frozen=True)
class Recording:
    """The launches of a function for inputs of certain shapes.

    Args:
        graph: Graph of the launches.
        inputs: Tensors that the graph reads.
        outputs: Tensors that the graph writes.
    """

    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def replay(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Run the graph on other values."""
        for static, given in zip(self.inputs, inputs, strict=True):
            static.copy_(given)
        self.graph.replay()
        return self.outputs


class CudaGraphs:
    """Runs functions of tensors; on CUDA it records calls that repeat and replays them.

    On a CPU it just calls the functions.
    """

    def __init__(self) -> None:
        self._calls: Counter[Hashable] = Counter()
        self._recordings: OrderedDict[Hashable, Recording] = OrderedDict()

    @torch.inference_mode()
    def run(self, key: Hashable, function: Function, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return what a function returns; the next call overwrites it.

        Args:
            key: Key that differs for functions that do different things.
            function: Function of tensors on one device. It must not wait for that device, and
                only the tensors that it returns may depend on values of its inputs.
            inputs: Inputs of the function, all on one device.
        """
        if inputs[0].device.type != 'cuda':
            return function(*inputs)
        full_key = (key, *((tuple(one.shape), one.dtype) for one in inputs))
        if full_key not in self._recordings:
            self._calls[full_key] += 1
            if self._calls[full_key] <= PLAIN_CALLS:
                return function(*inputs)
            self._recordings[full_key] = _record(function, inputs)
            del self._calls[full_key]
            if len(self._recordings) > MOST:
                self._recordings.popitem(last=False)
        self._recordings.move_to_end(full_key)
        return self._recordings[full_key].replay(inputs)


@contextmanager
def fastest_convolutions() -> Iterator[None]:
    """Let cuDNN measure its algorithms and take the fastest.

    PyTorch's own ``cudnn.flags(benchmark=True)`` would switch cuDNN off: that is its default.
    """
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def _record(function: Function, inputs: tuple[Tensor, ...]) -> Recording:
    static = tuple(one.clone() for one in inputs)
    aside = torch.cuda.Stream(inputs[0].device)
    aside.wait_stream(torch.cuda.current_stream(inputs[0].device))
    with torch.cuda.stream(aside), fastest_convolutions():
        for _ in range(WARM_UPS):
            function(*static)
        aside.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=aside, capture_error_mode='thread_local'):
            outputs = function(*static)
    torch.cuda.current_stream(inputs[0].device).wait_stream(aside)
    return Recording(graph, static, outputs)
