"""Two ways to hand images to an engine: PyTorch's memory on the GPU, or the driver's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from yolact_core.inference.cuda.graphs import CudaGraphs
from yolact_core.runtimes.tensorrt.cuda_driver import Gpu

Shapes = Mapping[str, tuple[int, ...]]


class Bindings(Protocol):
    """Runs an engine on images."""

    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs for one batch; the next call may overwrite them.

        Args:
            images: Contiguous, float32, shape (B, 3, S, S).
        """
        ...


class TorchBindings:
    """Keeps all on the GPU, in tensors, and replays the launches as a CUDA graph.

    Args:
        context: Of the engine's execution.
        image: Name of the input.
        shapes: Of one image's outputs, by name.
    """

    def __init__(self, context: Any, image: str, shapes: Shapes) -> None:  # noqa: ANN401
        self._context = context
        self._image = image
        self._shapes = shapes
        self._graphs = CudaGraphs()

    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs for one batch, on the same device."""
        return self._graphs.run('engine', self._enqueue, images)

    def _enqueue(self, images: Tensor) -> tuple[Tensor, ...]:
        batch = len(images)
        outputs = {
            name: images.new_empty((batch, *shape[1:])) for name, shape in self._shapes.items()
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
        context: Of the engine's execution.
        image: Name of the input.
        shapes: Of one image and its outputs, by name.
        gpu: Where the engine is.
    """

    def __init__(self, context: Any, image: str, shapes: Shapes, gpu: Gpu) -> None:  # noqa: ANN401
        self._context, self._gpu = context, gpu
        arrays = {name: gpu.pin(shape) for name, shape in shapes.items()}
        self._addresses = {name: gpu.allocate(array.nbytes) for name, array in arrays.items()}
        for name, address in self._addresses.items():
            context.set_tensor_address(name, address)
        self._image_address = self._addresses.pop(image)
        self._image = arrays.pop(image)
        self._outputs = arrays

    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs for one batch, on the CPU."""
        self._gpu.activate()
        if len(images) == 1:
            return self._run_one(images)
        per_image = [
            [output.clone() for output in self._run_one(image)] for image in images.split(1)
        ]
        return tuple(torch.cat(outputs) for outputs in zip(*per_image, strict=True))

    def _run_one(self, image: Tensor) -> tuple[Tensor, ...]:
        torch.from_numpy(self._image).copy_(image)
        self._gpu.upload(self._image, self._image_address)
        if not self._context.execute_async_v3(self._gpu.stream):
            raise RuntimeError('the engine must run, got a refusal of TensorRT')
        for name, array in self._outputs.items():
            self._gpu.download(self._addresses[name], array)
        self._gpu.synchronize()
        return tuple(torch.from_numpy(array) for array in self._outputs.values())
