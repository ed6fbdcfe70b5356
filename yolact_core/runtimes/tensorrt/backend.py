"""TensorRT, or TensorRT-RTX, on an NVIDIA GPU."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from yolact_core.errors import InputError
from yolact_core.inference.cuda.graphs import CudaGraphs
from yolact_core.runtimes.export import write_onnx
from yolact_core.runtimes.exported_backend import ExportedBackend, ModelCard, run_one_by_one
from yolact_core.runtimes.outputs import PRIOR_IDS
from yolact_core.runtimes.tensorrt.cuda_driver import Gpu, describe_gpu
from yolact_core.runtimes.tensorrt.engine import EngineFile, build_engine
from yolact_core.runtimes.tensorrt.library import find_tensorrt

Shapes = Mapping[str, tuple[int, ...]]


class TorchBindings:
    """Keeps all on the GPU, in tensors, and replays the launches as a CUDA graph.

    Args:
        context: Execution context of the engine.
        image: Name of the input.
        shapes: Shapes of the outputs of one image, by name.
    """

    def __init__(self, context: Any, image: str, shapes: Shapes) -> None:  # noqa: ANN401
        self._context = context
        self._image = image
        self._shapes = shapes
        self._graphs = CudaGraphs()

    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs for images on the same device."""
        return self._graphs.run('engine', self._enqueue, images)

    def _enqueue(self, images: Tensor) -> tuple[Tensor, ...]:
        batch = len(images)
        outputs = {
            name: torch.empty(
                (batch, *shape[1:]),
                dtype=torch.int64 if name == PRIOR_IDS else torch.float32,
                device=images.device,
            )
            for name, shape in self._shapes.items()
        }
        stream = torch.cuda.current_stream(images.device).cuda_stream
        for position in range(batch):
            self._context.set_tensor_address(self._image, images[position].data_ptr())
            for name, output in outputs.items():
                self._context.set_tensor_address(name, output[position].data_ptr())
            if not self._context.execute_async_v3(stream):
                raise RuntimeError('the engine must run, got a refusal of TensorRT')
        return tuple(outputs.values())


class DriverBindings:
    """Brings images to the GPU and outputs back, for a PyTorch that knows only the CPU.

    Args:
        context: Execution context of the engine.
        image: Name of the input.
        shapes: Shapes of one image and of its outputs, by name.
        gpu: GPU that the engine is on.
    """

    def __init__(self, context: Any, image: str, shapes: Shapes, gpu: Gpu) -> None:  # noqa: ANN401
        self._context, self._gpu = context, gpu
        arrays = {
            name: gpu.pin(shape, {image: np.uint8, PRIOR_IDS: np.int64}.get(name, np.float32))
            for name, shape in shapes.items()
        }
        self._addresses = {name: gpu.allocate(array.nbytes) for name, array in arrays.items()}
        for name, address in self._addresses.items():
            context.set_tensor_address(name, address)
        self._image_address = self._addresses.pop(image)
        self._image = arrays.pop(image)
        self._outputs = arrays

    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs for images on the CPU."""
        self._gpu.activate()
        return run_one_by_one(self._run_one, images)

    def _run_one(self, image: Tensor) -> tuple[Tensor, ...]:
        torch.from_numpy(self._image).copy_(image)
        self._gpu.upload(self._image, self._image_address)
        if not self._context.execute_async_v3(self._gpu.stream):
            raise RuntimeError('the engine must run, got a refusal of TensorRT')
        for name, array in self._outputs.items():
            self._gpu.download(self._addresses[name], array)
        self._gpu.synchronize()
        return tuple(torch.from_numpy(array) for array in self._outputs.values())


class TensorRtBackend(ExportedBackend):
    """Runs an engine, one image at a time.

    Args:
        engine: Engine as TensorRT loaded it.
        card: What the file says of its model.
        device: A CUDA device; or the CPU, if PyTorch knows no CUDA: then images and outputs are
            there and only the network runs on the GPU.
        precision: Precision of the arithmetic.
    """

    name = 'tensorrt'
    is_symmetric = True

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
        context.set_input_shape(image, (1, side, side, 3))
        shapes = {name: tuple(context.get_tensor_shape(name)) for name in (image, *card.outputs)}
        self._bindings: TorchBindings | DriverBindings
        if device.type == 'cuda':
            shapes.pop(image)
            self._bindings = TorchBindings(context, image, shapes)
        else:
            self._bindings = DriverBindings(context, image, shapes, Gpu())

    @classmethod
    def open(cls, path: Path, device: torch.device, precision: str = 'auto') -> TensorRtBackend:
        """Open an engine in its precision, on the first GPU: its TensorRT must be the one here."""
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
            raise InputError(
                'an NVIDIA GPU with its driver must be there to run an engine, got none'
            )
        file.header.check(path, library.runtime, gpu)
        card = ModelCard.from_strings(file.metadata, path)
        engine = library.load(file.plan, path)
        return cls(engine, card, device, file.header.precision)

    @staticmethod
    def write(network: nn.Module, card: ModelCard, path: Path) -> None:
        """Build an engine for the GPU that is here, for one image at a time."""
        with tempfile.TemporaryDirectory() as folder:
            exported = Path(folder) / 'model.onnx'
            write_onnx(network, replace(card, precision='float32'), exported)
            build_engine(exported, path, card.precision)

    @staticmethod
    def device_to_check() -> torch.device | None:
        """Return the device on which a new engine can be run; None where there is no GPU."""
        if describe_gpu() is None:
            return None
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')

    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs that ``card.outputs`` names; the next call may overwrite them."""
        return self._bindings.run(images)
