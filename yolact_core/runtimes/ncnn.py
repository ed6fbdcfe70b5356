"""ncnn, on a CPU: its Winograd convolutions do with a quarter of the multiplications.

A model is two files: the graph in ``.ncnn.param``, and its weights in ``.ncnn.bin`` beside it. It
takes normalized images, which ncnn makes of bytes before the graph: no type of it holds bytes.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from yolact_core.errors import InputError, package_needed
from yolact_core.quantization.tracing import trace_network
from yolact_core.records import parse_json
from yolact_core.runtimes.export import write_graph
from yolact_core.runtimes.exported_backend import ExportedBackend, ModelCard, run_one_by_one
from yolact_core.threads import asleep_while_waiting

with asleep_while_waiting():  # of its own OpenMP, which reads that when it is loaded
    import ncnn

CARD = '# yolact '  # begins the line of the metadata, after the graph, where ncnn does not read
INPUT, OUTPUT = 'in0', 'out{}'  # as pnnx names them
WEIGHTS = '.bin'
BFLOAT16 = 'avx512_bf16'  # as PyTorch calls it among what a CPU can do


class NcnnBackend(ExportedBackend):
    """Runs an ``.ncnn.param`` file and the ``.ncnn.bin`` file beside it.

    Args:
        net: Network of ncnn that has loaded both files.
        card: What the file says of its model.
        precision: Precision of the arithmetic.
    """

    name = 'ncnn'

    def __init__(self, net: ncnn.Net, card: ModelCard, precision: str) -> None:
        super().__init__(card, torch.device('cpu'), precision)
        self._net = net
        self._mean = list(card.config.mean)
        self._scale = [1 / deviation for deviation in card.config.std]

    @classmethod
    def open(cls, path: Path, device: torch.device, precision: str = 'auto') -> NcnnBackend:
        """Open an ``.ncnn.param`` file on the CPU, to run in float32 by default.

        In bfloat16 values are kept in it and most products are of it; sums are in float32.
        """
        if precision == 'bfloat16' and not _has_bfloat16():
            raise InputError(
                f'precision bfloat16 of backend ncnn must be in hardware ({BFLOAT16}), '
                'got a CPU without: use float32'
            )
        net = ncnn.Net()
        net.opt.num_threads = torch.get_num_threads()
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_storage = precision == 'bfloat16'
        for load, file in ((net.load_param, path), (net.load_model, _weights_beside(path))):
            if not file.is_file():
                raise InputError(f'{path} must have its weights beside it, got no {file.name}')
            if load(str(file)) != 0:
                raise InputError(f'{path} must be a model that ncnn can read, got {file.name!r}')
        return cls(net, _read_card(path), 'float32' if precision == 'auto' else precision)

    @staticmethod
    def write(network: nn.Module, card: ModelCard, path: Path) -> None:
        """Write a network for one image at a time; the card is the last line of the graph."""
        with package_needed('pnnx', 'ncnn'):
            from pnnx import EXEC_PATH
        with tempfile.TemporaryDirectory() as folder:
            exported = Path(folder) / 'model.onnx'
            side = card.config.input_size
            write_graph(trace_network(network, torch.zeros(3, side, side)), card, exported)
            graph = _convert(str(EXEC_PATH), exported, side)
            text = graph.read_text(encoding='utf-8')
            path.write_text(f'{text}{CARD}{json.dumps(card.to_strings())}\n', encoding='utf-8')
            _weights_beside(path).write_bytes(_weights_beside(graph).read_bytes())

    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs that ``card.outputs`` names; RuntimeError for lack of memory."""
        return run_one_by_one(self._run_one, images)

    def _run_one(self, image: Tensor) -> tuple[Tensor, ...]:
        extractor = self._net.create_extractor()
        height, width = image.shape[1:3]
        pixels = ncnn.Mat.from_pixels(
            image[0].numpy(), ncnn.Mat.PixelType.PIXEL_RGB, width, height
        )
        pixels.substract_mean_normalize(self._mean, self._scale)
        _require_success(extractor.input(INPUT, pixels), INPUT)
        outputs = []
        for number in range(len(self.card.outputs)):
            name = OUTPUT.format(number)
            code, output = extractor.extract(name)
            _require_success(code, name)  # else there is nothing in it, not even an array
            outputs.append(torch.from_numpy(np.asarray(output))[None])
        return tuple(outputs)


def _has_bfloat16() -> bool:
    tell = getattr(torch.cpu, 'get_capabilities', None)  # older ones do not
    return tell is not None and bool(tell().get(BFLOAT16, False))


def _weights_beside(path: Path) -> Path:
    return path.with_suffix(WEIGHTS)


def _require_success(code: int, name: str) -> None:
    if code != 0:
        raise RuntimeError(f'ncnn must take or give {name}, got error {code}')


def _read_card(path: Path) -> ModelCard:
    lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    last = lines[-1] if lines else ''
    try:
        strings = parse_json(last.removeprefix(CARD)) if last.startswith(CARD) else {}
    except ValueError as error:
        raise InputError(f'{path} must hold whole metadata: {error}') from error
    return ModelCard.from_strings(strings, path)


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
