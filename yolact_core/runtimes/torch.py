"""PyTorch as the runtime, on a CPU or a CUDA device."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.config import ModelConfig
from yolact_core.errors import InputError
from yolact_core.inference.cuda.graphs import CudaGraphs
from yolact_core.inference.preprocessing import DevicePreprocessor, Preprocessor
from yolact_core.network import Prediction, Yolact
from yolact_core.runtimes.folding import fold_batch_norms
from yolact_core.runtimes.registry import COMPILED

PRECISIONS = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


class TorchBackend:
    """Runs a network where its weights are, in channels-last memory format.

    On a CPU it calls a copy without batch norms, which shares what they are not folded into. On
    CUDA the launches for a size of batch are recorded as a graph and replayed from then on.

    Args:
        network: Network in evaluation mode.
        precision: ``float32``; ``float16``, on CUDA by a copy of the weights in it; ``bfloat16``,
            as float16 elsewhere, by autocast.
        is_compiled: Let ``torch.compile`` write a program for the network, for one image at a
            time, which takes a minute. Larger batches run uncompiled.

    Raises:
        InputError: It cannot be compiled here.
    """

    def __init__(
        self, network: Yolact, precision: str = 'float32', is_compiled: bool = False
    ) -> None:
        self.name = COMPILED if is_compiled else 'torch'
        self.network = network.to(memory_format=torch.channels_last)
        self.precision = precision
        self._dtype = PRECISIONS[precision]
        self._is_half = (
            precision == 'float16' and self.device.type == 'cuda' and not _is_deformable(network)
        )
        self._forward = self._for_inference()
        self._forward_one: Callable[[Tensor], Prediction] = self._forward
        self._graphs = CudaGraphs()
        self._preprocess = (
            DevicePreprocessor(network.config, self.device)
            if self.device.type == 'cuda'
            else Preprocessor(network.config)
        )
        if is_compiled:
            self._compile()

    @property
    def device(self) -> torch.device:
        """Where images go in and predictions come out."""
        return self.network.priors.device

    @property
    def config(self) -> ModelConfig:
        """Configuration that shapes the network."""
        return self.network.config

    @cached_property
    def digest(self) -> str:
        """The sha256 of the weights, in hexadecimal."""
        return hash_weights(self.network)

    @property
    def priors(self) -> Tensor:
        """Centre form (cx, cy, w, h), fractions of the image, shape (A, 4)."""
        return self.network.priors

    def prepare(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Return normalized images, (B, 3, S, S); the next call overwrites them."""
        return self._preprocess(images)

    def __call__(self, images: Tensor) -> Prediction:
        """Predict in float32; on CUDA the next call overwrites what this one returned."""
        return Prediction(*self._graphs.run('network', self._predict, images))

    def rescore(self, masks: Tensor) -> Tensor:
        """Predict the IoU of soft masks, (N, Hp, Wp), with their objects, for every class."""
        return self.network.rescore(masks)

    def _for_inference(self) -> Yolact:
        if self._is_half:
            return copy.deepcopy(self.network).half()
        if self.device.type == 'cpu':
            return fold_batch_norms(self.network).to(memory_format=torch.channels_last)
        return self.network

    def _predict(self, images: Tensor) -> Prediction:
        forward = self._forward_one if len(images) == 1 else self._forward
        if self._is_half:
            return Prediction(*(output.float() for output in forward(images.half())))
        is_reduced = self._dtype != torch.float32
        with torch.autocast(self.device.type, dtype=self._dtype, enabled=is_reduced):
            return Prediction(*(output.float() for output in forward(images)))

    @torch.inference_mode()
    def _compile(self) -> None:
        """Compile for one image at a time, and now, so that the first one does not wait."""
        self._forward_one = torch.compile(self._forward, dynamic=False)
        side = self.config.input_size
        image = torch.zeros(1, 3, side, side, device=self.device)
        try:
            self._predict(image.to(memory_format=torch.channels_last))
        except Exception as error:  # compilers fail in many ways
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(
                f'backend {COMPILED} must have what torch.compile needs, a C++ compiler on a CPU '
                f'and Triton on CUDA, got: {reason}'
            ) from error


def _is_deformable(network: Yolact) -> bool:
    """Return whether it samples at fractions of pixels, for which float16 is too coarse."""
    return any(network.config.backbone.deformable)


def resolve_device(name: str) -> torch.device:
    """Return the device that a name stands for; ``auto`` is CUDA where it works, else the CPU.

    Raises:
        InputError: The name is unknown, or there is no such device here.
    """
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f'device must be auto, cpu, cuda or cuda:N, got {name!r}') from None
    if device.type not in ('cpu', 'cuda'):
        raise InputError(f'device must be auto, cpu, cuda or cuda:N, got {name!r}')
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f'device must be present, got {name!r} and {torch.cuda.device_count()} CUDA devices; '
            '"yolact doctor" tells more'
        )
    return device


def resolve_precision(name: str, device: torch.device, backend: str = 'torch') -> str:
    """Return the precision that a name stands for.

    ``auto`` is float32 on a CPU, so that results equal the original's. On a CUDA device it is
    float16, whose 10 bits of fraction are those of TF32, in which PyTorch convolves there anyway.

    Raises:
        InputError: The name is unknown.
    """
    if name == 'auto':
        return 'float16' if device.type == 'cuda' else 'float32'
    if name not in PRECISIONS:
        raise InputError(
            f'precision of backend {backend} must be one of auto, {", ".join(PRECISIONS)}, '
            f'got {name!r}'
        )
    return name
