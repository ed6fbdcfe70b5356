"""ncnn files: the graph in ``.ncnn.param``, its weights in ``.ncnn.bin`` beside it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.errors import InputError
from yolact_core.export.onnx import write_onnx

if TYPE_CHECKING:
    from torch.export import ExportedProgram

    from yolact_core.runtimes.exported import ModelCard

INSTALL = "pip install 'yolact[ncnn]'"


def write_ncnn(program: ExportedProgram, card: ModelCard, path: Path) -> None:
    """Write a graph for one image, and what makes a full model of it.

    Args:
        program: The graph.
        card: Goes into the last line of the ``.ncnn.param`` file.
        path: Of that file.

    Raises:
        InputError: What converts is not installed, or cannot convert the graph.
    """
    from yolact_core.runtimes.ncnn import CARD, weights_beside

    converter = _find_converter()
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / 'model.onnx'
        write_onnx(program, card, exported)
        graph = _convert(converter, exported, card.config.input_size)
        text = graph.read_text(encoding='utf-8')
        path.write_text(f'{text}{CARD}{json.dumps(card.to_strings())}\n', encoding='utf-8')
        weights_beside(path).write_bytes(weights_beside(graph).read_bytes())


def _find_converter() -> str:
    try:
        from pnnx import EXEC_PATH
    except ImportError:
        raise InputError(f'package pnnx must be installed, got none: {INSTALL}') from None
    return str(EXEC_PATH)


def _convert(converter: str, exported: Path, side: int) -> Path:
    """Return the graph that pnnx writes, with its weights, beside an ONNX file."""
    command = [converter, str(exported), f'inputshape=[1,3,{side},{side}]', 'fp16=0']
    done = subprocess.run(command, cwd=exported.parent, capture_output=True, text=True)
    graph = exported.with_suffix('.ncnn.param')
    if done.returncode != 0 or not graph.is_file():
        last = ''.join((done.stderr or done.stdout).strip().splitlines()[-1:])
        raise InputError(
            f'pnnx must be able to convert the network, got exit status {done.returncode} after '
            f'{last!r}'
        )
    return graph
