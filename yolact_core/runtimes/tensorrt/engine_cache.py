"""Engines that were built before, found again by what they were built of and for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from torch import Tensor

from yolact_core.checkpoints.model_zoo import cache_folder
from yolact_core.config import ModelConfig
from yolact_core.errors import InputError
from yolact_core.runtimes.tensorrt.engine import build_engine
from yolact_core.runtimes.tensorrt.engine_file import EngineFile, EngineHeader
from yolact_core.runtimes.tensorrt.library import find_tensorrt


def engine_folder(folder: str | Path | None = None) -> Path:
    """Return where engines are kept: the given folder, or one beside the fetched models."""
    return Path(folder).expanduser() if folder else cache_folder() / 'engines'


def cached_engine(
    config: ModelConfig,
    digest: str,
    precision: str,
    export: Callable[[Path], object],
    calibration: Sequence[Tensor] = (),
    folder: str | Path | None = None,
) -> Path:
    """Return the engine of a model for the GPU and the TensorRT that are here.

    It is built if it is not there yet, or damaged.

    Args:
        config: Of the model.
        digest: The sha256 of its weights, in hexadecimal.
        precision: ``float32``, ``float16`` or ``int8``.
        export: Writes the model in ONNX to a path; called only if there is something to build.
        calibration: For ``int8``: see ``build_engine``.
        folder: Where engines are kept; see ``engine_folder``.

    Raises:
        InputError: TensorRT is missing, or cannot build it.
    """
    library = find_tensorrt()
    header = EngineHeader(
        config.name, digest, precision, config.input_size, library.runtime, library.gpu()
    )
    path = engine_folder(folder) / header.filename
    if _holds(path, header):
        return path
    with tempfile.TemporaryDirectory() as exported:
        onnx_path = Path(exported) / 'model.onnx'
        export(onnx_path)
        build_engine(onnx_path, path, precision, calibration, library)
    return path


def _holds(path: Path, header: EngineHeader) -> bool:
    try:
        return path.is_file() and EngineFile.read(path).header == header
    except InputError:
        return False
