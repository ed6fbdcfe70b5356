"""ONNX Runtime, on a CPU or a CUDA device."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from yolact_core.checkpoints.model_zoo import cache_folder
from yolact_core.errors import InputError
from yolact_core.runtimes.export import write_onnx
from yolact_core.runtimes.exported_backend import ExportedBackend, ModelCard

TENSORRT, CUDA, CPU = (f'{name}ExecutionProvider' for name in ('Tensorrt', 'CUDA', 'CPU'))
KINDS = {  # of outputs, as the runtime calls them
    'tensor(float)': (torch.float32, np.float32),
    'tensor(int64)': (torch.int64, np.int64),
}


class OnnxBackend(ExportedBackend):
    """Runs an ``.onnx`` file; its outputs go into memory that is used again.

    Args:
        session: Session of ONNX Runtime that has loaded the file.
        card: What the file says of its model.
        device: Device that the session runs on.
        precision: Precision of the arithmetic.
    """

    name = 'onnx'

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        card: ModelCard,
        device: torch.device,
        precision: str,
    ) -> None:
        super().__init__(card, device, precision)
        self._session = session
        self._binding = session.io_binding()
        self._outputs: tuple[Tensor, ...] = ()

    @classmethod
    def open(cls, path: Path, device: torch.device, precision: str = 'auto') -> OnnxBackend:
        """Open an ``.onnx`` file; for ``float16`` ONNX Runtime must have its TensorRT provider."""
        precision = 'float32' if precision == 'auto' else precision
        providers = _choose_providers(device, precision)
        try:
            session = onnxruntime.InferenceSession(str(path), _options(), providers)
        except Exception as error:  # the runtime's own exceptions have no public base
            reason = str(error).splitlines()[0]
            raise InputError(
                f'{path} must be a model that ONNX Runtime can run: {reason}'
            ) from error
        if device.type == 'cuda' and session.get_providers()[0] == CPU:
            raise InputError(
                f'ONNX Runtime must be able to use {device}, got {CPU} only; '
                'the log above says what it lacks'
            )
        card = ModelCard.from_strings(session.get_modelmeta().custom_metadata_map, path)
        return cls(session, card, device, precision)

    @staticmethod
    def write(network: nn.Module, card: ModelCard, path: Path) -> None:
        """Write a network for any number of images; the card goes into the metadata."""
        write_onnx(network, card, path)

    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs that ``card.outputs`` names; the next call overwrites them."""
        images = images.contiguous()
        if not self._outputs or len(self._outputs[0]) != len(images):
            self._bind_outputs(len(images))
        if self.device.type == 'cuda':
            torch.cuda.current_stream(self.device).synchronize()
        where = self.device.type, self.device.index or 0
        (name,) = (node.name for node in self._session.get_inputs())
        self._binding.bind_input(name, *where, np.uint8, images.shape, images.data_ptr())
        self._session.run_with_iobinding(self._binding)
        return self._outputs

    def _bind_outputs(self, count: int) -> None:
        nodes = self._session.get_outputs()
        where = self.device.type, self.device.index or 0
        kinds = [KINDS[node.type] for node in nodes]
        self._outputs = tuple(
            torch.empty((count, *node.shape[1:]), dtype=kind, device=self.device)
            for node, (kind, _) in zip(nodes, kinds, strict=True)
        )
        for node, output, (_, kind) in zip(nodes, self._outputs, kinds, strict=True):
            shape, address = tuple(output.shape), output.data_ptr()
            self._binding.bind_output(node.name, *where, kind, shape, address)


def _options() -> onnxruntime.SessionOptions:
    """Return as many threads as PyTorch has, which sleep where they wait.

    Spinning would burn the processor between images, and stall as soon as a second process wants
    the same cores.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    return options


def _choose_providers(device: torch.device, precision: str) -> list[Any]:
    """Return what runs the graph, best first: names, or pairs of name and options.

    TensorRT only counts if its library can be found: ONNX Runtime lists it without.
    """
    available = set(onnxruntime.get_available_providers())
    if not find_spec('tensorrt'):
        available.discard(TENSORRT)
    if device.type == 'cuda' and not available & {TENSORRT, CUDA}:
        raise InputError(
            f'ONNX Runtime must be built for CUDA to use {device}, got '
            f'{json.dumps(sorted(available))}: pip install onnxruntime-gpu, or use the device cpu'
        )
    if precision == 'float16' and (device.type == 'cpu' or TENSORRT not in available):
        raise InputError(
            'precision float16 of backend onnx must have the TensorRT provider on a CUDA device, '
            f'got {device} and {", ".join(sorted(available))}'
        )
    if device.type == 'cpu':
        return [CPU]
    place = {'device_id': device.index or 0}
    tensorrt = {
        **place,
        'trt_fp16_enable': precision == 'float16',
        'trt_engine_cache_enable': True,
        'trt_engine_cache_path': str(cache_folder() / 'onnxruntime'),
    }
    wanted = [(TENSORRT, tensorrt), (CUDA, place), (CPU, {})]
    return [entry for entry in wanted if entry[0] in available]
