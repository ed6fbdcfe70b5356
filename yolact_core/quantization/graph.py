"""Graphs of networks as int8 sees them: convolutions, and the values that they take."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Graph, GraphModule, Node

ATEN = torch.ops.aten
CONVOLUTION = ATEN.conv2d.default
CONCATENATION = ATEN.cat.default
POOLING = ATEN.max_pool2d.default  # of values that are rounded it makes values that are rounded
BATCH_NORM = ATEN.batch_norm.default


def prepare(graph: GraphModule) -> GraphModule:
    """Return a copy in which every convolution has a bias of its own and no batch norm after it.

    Args:
        graph: Traced network in evaluation mode.
    """
    graph = copy.deepcopy(graph)
    for index, convolution in enumerate(convolutions(graph.graph)):
        _give_bias(graph, convolution, f'bias_{index}')
        for user in list(convolution.users):
            if user.target == BATCH_NORM and len(convolution.users) == 1:
                _fold(graph, convolution, user)
    graph.recompile()
    return graph


def convolutions(graph: Graph) -> list[Node]:
    """Return the convolutions in the order in which they are computed."""
    return graph.find_nodes(op='call_function', target=CONVOLUTION)


def quantizable(graph: Graph) -> list[Node]:
    """Return the convolutions that lose little in int8: all but those that take the images.

    Those are few and cheap, and all others work on what they see.
    """
    return [
        node
        for node in convolutions(graph)
        if all(_origin(value).op != 'placeholder' for value in sources(node))
    ]


def weight_of(graph: GraphModule, convolution: Node) -> nn.Parameter:
    """Return the weight, (O, I, height, width), which several convolutions may share."""
    return graph.get_parameter(name_of(_input(convolution, 1)))


def bias_of(graph: GraphModule, convolution: Node) -> Tensor:
    """Return the bias, (O,), of a convolution in a graph that was prepared."""
    return graph.get_buffer(name_of(_input(convolution, 2)))


def name_of(constant: Node) -> str:
    """Return the name of a parameter or a buffer in the graph."""
    return str(constant.target)


def sources(convolution: Node) -> list[Node]:
    """Return the values that a convolution takes, in the order of its channels."""
    return list(_sources(_input(convolution, 0)))


def passages(convolution: Node) -> Iterator[Node]:
    """Yield what hands the values on to a convolution: poolings, concatenations, and itself."""
    waiting = [convolution]
    while waiting:
        node = waiting.pop()
        yield node
        first, *_ = _arguments(node)
        values = first if node.target == CONCATENATION else [first]
        waiting += [value for value in values if value.target in (CONCATENATION, POOLING)]


def names_of_values(graph: Graph) -> dict[Node, str]:
    """Return a name for each value that a convolution takes.

    It is that of the convolution whose output it was made of, so that it holds while the layers
    do: what is merged or folded for a runtime does not change it.
    """
    names: dict[Node, str] = {}
    for convolution in quantizable(graph):
        for value in sources(convolution):
            name = (
                name_of(_input(_origin(value), 1))
                .removesuffix('.weight')
                .rpartition('network.')[2]
            )
            count = sum(known.split(':')[0] == name for known in names.values())
            names.setdefault(value, f'{name}:{count}' if count else name)
    return names


def _sources(value: Node) -> Iterator[Node]:
    if value.target == CONCATENATION:
        for part in _arguments(value)[0]:
            yield from _sources(part)
    elif value.target == POOLING:
        yield from _sources(_input(value, 0))
    else:
        yield value


def _origin(node: Node) -> Node:
    """Return the convolution that a value was made of, or the images."""
    while node.op == 'call_function' and node.target != CONVOLUTION:
        node = _input(node, 0)
    return node


def _input(node: Node, index: int) -> Node:
    """Return an input of a node; of several that are joined, the first."""
    found = _arguments(node)[index]
    one: Node = found if isinstance(found, Node) else found[0]
    return one


def _arguments(node: Node) -> list[Any]:
    return list(node.args)


def _give_bias(graph: GraphModule, convolution: Node, name: str) -> None:
    _, _, old, *_ = (*_arguments(convolution), None)
    weight = weight_of(graph, convolution)
    bias = weight.new_zeros(len(weight)) if old is None else graph.get_parameter(name_of(old))
    graph.register_buffer(name, bias.detach().clone())
    with graph.graph.inserting_before(convolution):
        node = graph.graph.get_attr(name)
    convolution.args = (*convolution.args[:2], node, *convolution.args[3:])


def _fold(graph: GraphModule, convolution: Node, norm: Node) -> None:
    """Let the weights of a convolution do what a batch norm does after it."""
    scale, shift, mean, variance = (
        graph.get_parameter(name_of(node)) if index < 2 else graph.get_buffer(name_of(node))
        for index, node in enumerate(_arguments(norm)[1:5])
    )
    factor = (scale / (variance + _arguments(norm)[7]).sqrt()).detach()
    weight, bias = weight_of(graph, convolution), bias_of(graph, convolution)
    weight.data = weight * factor.view(-1, 1, 1, 1)
    bias.copy_((bias - mean) * factor + shift.detach())
    norm.replace_all_uses_with(convolution)
    graph.graph.erase_node(norm)
