"""TensorRT, or TensorRT-RTX, on an NVIDIA GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from yolact_core.errors import InputError
from yolact_core.runtimes.exported import ExportedBackend, ModelCard
from yolact_core.runtimes.tensorrt.bindings import Bindings, DriverBindings, TorchBindings
from yolact_core.runtimes.tensorrt.cuda_driver import Gpu, describe_gpu
from yolact_core.runtimes.tensorrt.engine_file import EngineFile
from yolact_core.runtimes.tensorrt.library import find_tensorrt


class TensorRtBackend(ExportedBackend):
    """Runs an engine, one image at a time.

    Args:
        engine: As TensorRT loaded it.
        card: Of its file.
        device: A CUDA device; or the CPU, if PyTorch knows no CUDA: then images and outputs are
            there and only the network runs on the GPU.
        precision: Of the arithmetic.
    """

    name = 'tensorrt'

    def __init__(
        self,
        engine: Any,  # noqa: ANN401 - of a library without types
        card: ModelCard,
        device: torch.device,
        precision: str,
    ) -> None:
        super().__init__(card, device, precision)
        self._engine = engine  # must outlive its context
        context = engine.create_execution_context()
        names = [engine.get_tensor_name(place) for place in range(engine.num_io_tensors)]
        (image,) = set(names) - set(card.outputs)
        side = card.config.input_size
        context.set_input_shape(image, (1, 3, side, side))
        shapes = {name: tuple(context.get_tensor_shape(name)) for name in (image, *card.outputs)}
        self._bindings: Bindings
        if device.type == 'cuda':
            shapes.pop(image)
            self._bindings = TorchBindings(context, image, shapes)
        else:
            self._bindings = DriverBindings(context, image, shapes, Gpu())

    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs that ``card.outputs`` names; the next call may overwrite them.

        Args:
            images: Normalized, float32, on ``device``, shape (B, 3, S, S), any memory format.
        """
        return self._bindings.run(images.contiguous())


def open_model(path: Path, device: torch.device, precision: str = 'auto') -> TensorRtBackend:
    """Open an ``.engine`` file that ``yolact export`` wrote.

    Args:
        path: Of the file.
        device: The first CUDA device, or the CPU if PyTorch knows no CUDA.
        precision: ``auto`` or that of the file.

    Raises:
        InputError: The file is damaged or was built elsewhere, or there is no GPU.
    """
    if device.index:
        raise InputError(
            f'backend tensorrt must run on cuda:0, got {device}: '
            'CUDA_VISIBLE_DEVICES chooses another GPU to be that'
        )
    file = EngineFile.read(path)
    if precision not in ('auto', file.header.precision):
        raise InputError(
            f'{path} must be exported with --precision {precision} to run in it, '
            f'got {file.header.precision}'
        )
    library = find_tensorrt(preferred=file.header.runtime.split()[0])
    gpu = describe_gpu(0)
    if gpu is None:
        raise InputError('an NVIDIA GPU with its driver must be there to run an engine, got none')
    file.header.check(path, library.runtime, gpu)
    card = ModelCard.from_strings(file.metadata, path)
    engine = library.load(file.plan, path)
    return TensorRtBackend(engine, card, device, file.header.precision)
