"""Networks in ONNX as TensorRT wants them: with types and quantisation written into the graph.

TensorRT-RTX takes nothing else and TensorRT takes it since version 10, so both get the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from yolact_core.errors import InputError, package_needed

if TYPE_CHECKING:
    import onnx

FACTORS = {'Resize': slice(1, 3)}  # operators and which inputs of theirs are no features


def load_model(path: Path) -> onnx.ModelProto:
    """Read a network in ONNX.

    Raises:
        InputError: The package onnx is missing, or the file cannot be read.
    """
    with package_needed('onnx', 'tensorrt', 'to build an engine'):
        import onnx
    try:
        return onnx.load(str(path))
    except Exception as error:  # of protobuf's many kinds
        raise InputError(f'{path} must be a readable ONNX file: {error}') from error


def halve_model(model: onnx.ModelProto) -> None:
    """Make a network compute in float16; it still takes bytes and returns float32."""
    from onnx import TensorProto, helper

    graph = model.graph
    constants = {
        node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == 'Constant'
    }
    factors = {
        name for node in graph.node for name in node.input[FACTORS.get(node.op_type, slice(0))]
    }
    for name, tensor in (*((one.name, one) for one in graph.initializer), *constants.items()):
        if tensor.data_type == TensorProto.FLOAT and name not in factors:
            _halve_tensor(tensor)
    for node in graph.node:
        for attribute in node.attribute if node.op_type == 'Cast' else ():
            if attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16
    for value in graph.output:
        if value.type.tensor_type.elem_type != TensorProto.FLOAT:
            continue
        _rename(graph, value.name, f'{value.name}_half')
        cast = helper.make_node('Cast', [f'{value.name}_half'], [value.name], to=TensorProto.FLOAT)
        graph.node.append(cast)
    del graph.value_info[:]  # of the old types


def _halve_tensor(tensor: onnx.TensorProto) -> None:
    from onnx import numpy_helper

    limit = np.finfo(np.float16).max
    values = numpy_helper.to_array(tensor).clip(-limit, limit).astype(np.float16)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Let all nodes that take or return one tensor call it by another name."""
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
