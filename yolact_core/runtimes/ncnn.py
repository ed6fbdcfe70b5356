"""ncnn, on a CPU: its Winograd convolutions do with a quarter of the multiplications."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from yolact_core.errors import InputError
from yolact_core.runtimes.exported import ModelCard, SingleImageBackend
from yolact_core.threads import asleep_while_waiting

with asleep_while_waiting():  # of its own OpenMP, which reads that when it is loaded
    import ncnn

CARD = '# yolact '  # begins the line of the metadata, after the graph, where ncnn does not read
INPUT, OUTPUT = 'in0', 'out{}'  # as pnnx names them
WEIGHTS = '.bin'


class NcnnBackend(SingleImageBackend):
    """Runs an ``.ncnn.param`` file and the ``.ncnn.bin`` file beside it.

    Args:
        net: That has loaded both files.
        card: Of the file.
    """

    name = 'ncnn'

    def __init__(self, net: ncnn.Net, card: ModelCard) -> None:
        super().__init__(card, torch.device('cpu'), 'float32')
        self._net = net

    def run_one(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs for an image, float32, shape (1, 3, S, S), any memory format.

        Raises:
            RuntimeError: ncnn fails, such as for lack of memory.
        """
        extractor = self._net.create_extractor()
        pixels = image[0].contiguous().numpy()  # whose memory ncnn shares
        _require_success(extractor.input(INPUT, ncnn.Mat(pixels)), INPUT)
        outputs = []
        for number in range(len(self.card.outputs)):
            name = OUTPUT.format(number)
            code, output = extractor.extract(name)
            _require_success(code, name)  # else there is nothing in it, not even an array
            outputs.append(torch.from_numpy(np.asarray(output))[None])
        return tuple(outputs)


def open_model(path: Path, _device: torch.device, precision: str = 'auto') -> NcnnBackend:
    """Open an ``.ncnn.param`` file.

    Args:
        path: Of the file; its weights are in the ``.ncnn.bin`` file beside it.
        _device: The CPU.
        precision: ``auto`` or ``float32``.

    Raises:
        InputError: The files are not ours or the precision is another.
    """
    if precision not in ('auto', 'float32'):
        raise InputError(f'precision of backend ncnn must be float32, got {precision!r}')
    net = ncnn.Net()
    net.opt.num_threads = torch.get_num_threads()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    for load, file in ((net.load_param, path), (net.load_model, weights_beside(path))):
        if not file.is_file():
            raise InputError(f'{path} must have its weights beside it, got no {file.name}')
        if load(str(file)) != 0:
            raise InputError(f'{path} must be a model that ncnn can read, got {file.name!r}')
    return NcnnBackend(net, _read_card(path))


def weights_beside(path: Path) -> Path:
    """Return the file of the weights that belong to a graph."""
    return path.with_suffix(WEIGHTS)


def _require_success(code: int, name: str) -> None:
    if code != 0:
        raise RuntimeError(f'ncnn must take or give {name}, got error {code}')


def _read_card(path: Path) -> ModelCard:
    last = path.read_text(encoding='utf-8', errors='replace').splitlines()[-1]
    try:
        strings = json.loads(last.removeprefix(CARD)) if last.startswith(CARD) else {}
    except ValueError as error:
        raise InputError(f'{path} must hold whole metadata: {error}') from error
    return ModelCard.from_strings(strings, path)
