"""Graphs whose convolutions take int8, from float graphs and ranges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.ao.quantization.fx._decomposed  # the operators of graphs in int8
import torch.nn.functional as F
from torch import Tensor
from torch.fx import GraphModule, Node

from yolact_core.errors import InputError
from yolact_core.quantization.graph import (
    bias_of,
    names_of_values,
    passages,
    prepare,
    quantizable,
    sources,
    weight_of,
)
from yolact_core.quantization.ranges import Ranges

ROUNDING = torch.ops.quantized_decomposed
ADDITIONS = (torch.ops.aten.add.Tensor, torch.ops.aten.add_.Tensor)
WEIGHT_STEPS = 127  # to either side of 0
LEAST = 2e-4  # of a range: a step of it is more than float16 makes 0


class Steps(NamedTuple):
    """How a value is rounded.

    Attributes:
        scale: Difference between neighbours.
        zero: Whole number that stands for 0.
        lowest: Smallest whole number.
        highest: Largest whole number.
        dtype: Type of the whole numbers.
    """

    scale: float
    zero: int
    lowest: int
    highest: int
    dtype: torch.dtype

    @classmethod
    def between(cls, low: float, high: float, is_symmetric: bool) -> Steps:
        """Return those for values from ``low`` to ``high``; 0 is always exact."""
        low, high = min(low, 0.0), max(high, LEAST)
        if is_symmetric:
            return cls(max(-low, high) / 127, 0, -128, 127, torch.int8)
        scale = (high - low) / 255
        return cls(scale, round(-low / scale), 0, 255, torch.uint8)


@torch.no_grad()
def quantize(graph: GraphModule, ranges: Ranges, is_symmetric: bool = False) -> GraphModule:
    """Return a network that rounds what convolutions take to int8.

    It computes in float32 what a runtime computes in int8 once it has recognised the rounding.
    Weights are rounded by output channel, values as a whole. Values of which one convolution
    takes several, one after the other, are rounded alike. Convolutions stay as they are if they
    take a value without a range. What is added to another value is taken rounded if it is for a
    convolution: else a residual block would write and read its value in float32 once more.

    Args:
        graph: Traced network in evaluation mode.
        ranges: Ranges of its values, as ``measure_ranges`` returns them, or of some of them.
        is_symmetric: Whether 0 must be the middle of the whole numbers, as TensorRT wants it.

    Raises:
        InputError: The ranges are of another network.
    """
    graph = prepare(graph)
    names = names_of_values(graph.graph)
    if unknown := sorted(set(ranges) - set(names.values())):
        raise InputError(
            f'ranges for int8 must be of this network, got those of {unknown[0]}: calibrate again'
        )
    found = {node: ranges[name].float() for node, name in names.items() if name in ranges}
    chosen = {
        node: taken
        for node in quantizable(graph.graph)
        if found.keys() >= set(taken := sources(node))
    }
    takers = {passage for node in chosen for passage in passages(node)}
    for group in _group(chosen.values()):
        low = min(float(found[value][0].min()) for value in group)
        high = max(float(found[value][1].max()) for value in group)
        _round_values(graph, group, Steps.between(low, high, is_symmetric), takers)
    for index, (node, taken) in enumerate(chosen.items()):
        _correct_bias(graph, node, torch.cat([found[value][2] for value in taken]))
        _round_weight(graph, node, f'weight_scale_{index}')
    graph.recompile()
    return graph


def _group(taken: Iterable[list[Node]]) -> list[list[Node]]:
    """Return the values that are rounded, those together that are rounded alike."""
    groups: dict[Node, list[Node]] = {}
    for values in taken:
        together = dict.fromkeys(one for value in values for one in groups.get(value, [value]))
        group = list(together)
        groups.update((value, group) for value in group)
    return list({id(group): group for group in groups.values()}.values())


def _round_values(graph: GraphModule, values: list[Node], steps: Steps, takers: set[Node]) -> None:
    for value in values:
        users = [user for user in value.users if user in takers or user.target in ADDITIONS]
        with graph.graph.inserting_after(value):
            whole = graph.graph.call_function(
                ROUNDING.quantize_per_tensor.default, (value, *steps)
            )
        with graph.graph.inserting_after(whole):
            rounded = graph.graph.call_function(
                ROUNDING.dequantize_per_tensor.default, (whole, *steps)
            )
        for user in users:
            user.replace_input_with(value, rounded)


def _correct_bias(graph: GraphModule, convolution: Node, means: Tensor) -> None:
    """Take off what rounding of the weights adds to the mean of each output.

    See Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction (ICCV
    2019), section 4.2.

    Args:
        graph: Graph whose bias is changed.
        convolution: Convolution whose weight will be rounded.
        means: Mean of each channel that it takes, shape (C,).
    """
    weight = weight_of(graph, convolution)
    steps = _weight_scales(weight).view(-1, 1, 1, 1)
    error = (weight / steps).round() * steps - weight
    constant = means.view(1, -1, 1, 1).expand(1, -1, *weight.shape[2:])
    bias = bias_of(graph, convolution)
    bias -= F.conv2d(constant, error, groups=len(means) // weight.shape[1]).flatten()


def _round_weight(graph: GraphModule, convolution: Node, name: str) -> None:
    scales = _weight_scales(weight_of(graph, convolution))
    graph.register_buffer(name, scales)
    graph.register_buffer(f'{name}_zero', torch.zeros(len(scales), dtype=torch.int64))
    weight = convolution.all_input_nodes[1]
    with graph.graph.inserting_before(convolution):
        constants = graph.graph.get_attr(name), graph.graph.get_attr(f'{name}_zero')
        how = (*constants, 0, -WEIGHT_STEPS, WEIGHT_STEPS, torch.int8)
        whole = graph.graph.call_function(ROUNDING.quantize_per_channel.default, (weight, *how))
        rounded = graph.graph.call_function(ROUNDING.dequantize_per_channel.default, (whole, *how))
    convolution.replace_input_with(weight, rounded)


def _weight_scales(weight: Tensor) -> Tensor:
    """Return the step of int8 for each output channel, (O, I, height, width) -> (O,)."""
    return weight.detach().abs().amax((1, 2, 3)).clamp_min(LEAST) / WEIGHT_STEPS
