"""From a network to a file that another runtime reads, checked before it is there."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.errors import InputError
from yolact_core.export.calibration import make_noise, read_calibration
from yolact_core.export.graph import DecodedYolact, trace_network
from yolact_core.export.ncnn import write_ncnn
from yolact_core.export.onnx import write_onnx
from yolact_core.export.openvino import write_openvino
from yolact_core.export.parity import Difference, compare, require_equality
from yolact_core.files import replace_together
from yolact_core.runtimes.exported import ExportedBackend, ModelCard
from yolact_core.runtimes.table import RUNTIMES

if TYPE_CHECKING:
    from yolact_core.network import Yolact

PRECISIONS = {  # of each runtime's files, the usual one first
    'onnx': ('float32',),
    'openvino': ('float32', 'int8'),
    'ncnn': ('float32',),
    'tensorrt': ('float16', 'float32', 'int8'),
}
COMPARED = 8  # calibration images


@dataclass(frozen=True)
class ExportOptions:
    """What is written.

    Args:
        runtime: That reads it: ``onnx``, ``openvino``, ``ncnn`` or ``tensorrt``.
        precision: One of ``PRECISIONS`` of the runtime.
        calibration: Folder of images, for ``int8``.
        is_decoded: Give boxes and scores instead of offsets and logits. This project cannot run
            such a file: it is for other programs.

    Raises:
        InputError: The runtime is not installed or does not know the precision, or there must or
            must not be calibration images.
    """

    runtime: str
    precision: str = 'float32'
    calibration: Path | None = None
    is_decoded: bool = False

    def __post_init__(self) -> None:
        RUNTIMES[self.runtime].require()
        if self.precision not in PRECISIONS[self.runtime]:
            raise InputError(
                f'precision of an export to {self.runtime} must be one of '
                f'{", ".join(PRECISIONS[self.runtime])}, got {self.precision!r}'
            )
        if (self.precision == 'int8') != (self.calibration is not None):
            raise InputError(
                'calibration images must be given for int8 and for nothing else, got precision '
                f'{self.precision} and calibration {str(self.calibration or "none")!r}'
            )


def export_network(network: Yolact, path: Path, options: ExportOptions) -> list[Difference]:
    """Write a network to a file, after its outputs have been compared with PyTorch's.

    Args:
        network: In evaluation mode, on the CPU.
        path: Of the file; an older one is replaced only when the new one is good.
        options: What is written.

    Returns:
        How far the outputs are from PyTorch's, on calibration images, else on noise; nothing for
        an engine where there is no GPU.

    Raises:
        InputError: The suffix is wrong, the runtime cannot run the network, a package is missing,
            the calibration images cannot be read, or a float32 file does not agree with PyTorch.
    """
    runtime = RUNTIMES[options.runtime]
    if not runtime.names(path):
        raise InputError(f'output must be a {runtime.suffix} file, got {str(path)!r}')
    config = network.config
    if not runtime.can_run(config):
        raise InputError(
            f'a network for {runtime.name} must have no deformable convolutions, '
            f'got {config.name}: use another backend'
        )
    images = read_calibration(options.calibration, config) if options.calibration else []
    module = DecodedYolact(network).eval() if options.is_decoded else network
    card = ModelCard.of_network(
        network, hash_weights(network), options.precision, options.is_decoded
    )
    with replace_together(path) as unfinished:
        _WRITERS[options.runtime](module, card, unfinished, images)
        device = _device_to_check(options.runtime)
        if device is None:
            return []
        backend = runtime.open_model(unfinished, device, 'auto')
        if not isinstance(backend, ExportedBackend):
            raise TypeError(f'{runtime.name} must run exported files')
        differences = compare(backend, module, images[:COMPARED] or make_noise(config))
        if options.precision == 'float32':
            require_equality(differences)
    return differences


def export_onnx(network: Yolact, path: Path) -> None:
    """Write a network to an ONNX file without running it, for what builds engines of such files.

    Raises:
        InputError: A package is missing.
    """
    _write_onnx(network, ModelCard.of_network(network, hash_weights(network), 'float32'), path)


def _device_to_check(runtime: str) -> torch.device | None:
    """Return where a file can be run on this machine; None if nowhere."""
    if runtime != 'tensorrt':
        return torch.device('cpu')
    from yolact_core.runtimes.tensorrt.cuda_driver import describe_gpu

    if describe_gpu() is None:
        return None
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def _write_onnx(
    module: nn.Module, card: ModelCard, path: Path, _calibration: Sequence[Tensor] = ()
) -> None:
    write_onnx(trace_network(module, card.config.input_size), card, path)


def _write_openvino(
    module: nn.Module, card: ModelCard, path: Path, calibration: Sequence[Tensor]
) -> None:
    write_openvino(trace_network(module, card.config.input_size), card, path, calibration)


def _write_ncnn(
    module: nn.Module, card: ModelCard, path: Path, _calibration: Sequence[Tensor]
) -> None:
    write_ncnn(trace_network(module, card.config.input_size), card, path)


def _write_engine(
    module: nn.Module, card: ModelCard, path: Path, calibration: Sequence[Tensor]
) -> None:
    from yolact_core.runtimes.tensorrt.engine import build_engine

    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / 'model.onnx'
        _write_onnx(module, replace(card, precision='float32'), exported)
        build_engine(exported, path, card.precision, calibration)


_WRITERS: dict[str, Callable[[nn.Module, ModelCard, Path, Sequence[Tensor]], None]] = {
    'onnx': _write_onnx,
    'openvino': _write_openvino,
    'ncnn': _write_ncnn,
    'tensorrt': _write_engine,
}
