"""Engines: built from networks, and found again by what they were built of and for."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.checkpoints.model_zoo import cache_folder
from yolact_core.errors import InputError
from yolact_core.runtimes.exported import ModelCard
from yolact_core.runtimes.graph import write_onnx
from yolact_core.runtimes.tensorrt.engine_file import EngineFile, EngineHeader
from yolact_core.runtimes.tensorrt.library import TensorRT, find_tensorrt
from yolact_core.runtimes.tensorrt.precision import halve_model, load_model, quantize_model

if TYPE_CHECKING:
    import onnx

    from yolact_core.config import ModelConfig
    from yolact_core.network import Yolact

PRECISIONS = ('float32', 'float16', 'int8')
logger = logging.getLogger(__name__)


def build_engine(
    onnx_path: Path,
    engine_path: Path,
    precision: str,
    calibration: Sequence[Tensor] = (),
    library: TensorRT | None = None,
) -> EngineHeader:
    """Build an engine and write it to a file.

    It takes one image at a time, in float32, and returns float32, whatever it computes in. With
    ``int8`` the convolutions take int8 and all else is float16.

    Args:
        onnx_path: Exported network in float32.
        engine_path: File to write the engine to.
        precision: ``float32``, ``float16`` or ``int8``.
        calibration: Normalized images for ``int8``, each of shape (1, 3, S, S), a few hundred
            like those that the network will see.
        library: Library that builds it; None: the one that is installed.

    Returns:
        What the engine was built of and for.

    Raises:
        InputError: TensorRT is missing or refuses the network, or the precision is unknown.
    """
    library = library or find_tensorrt()
    if precision not in PRECISIONS:
        raise InputError(f'precision must be one of {", ".join(PRECISIONS)}, got {precision!r}')
    exported = load_model(onnx_path)
    metadata = {one.key: one.value for one in exported.metadata_props}
    card = ModelCard.from_strings(metadata, onnx_path)
    if precision == 'int8':
        exported = quantize_model(onnx_path, calibration)
    if precision != 'float32':
        halve_model(exported)
    header = EngineHeader(
        model=card.config.name,
        weights=card.digest,
        precision=precision,
        size=card.config.input_size,
        runtime=library.runtime,
        gpu=library.gpu(),
    )
    EngineFile(header, metadata, _build(exported, library)).write(engine_path)
    return header


def find_or_build(
    network: Yolact,
    precision: str,
    folder: str | Path | None = None,
    calibration: Sequence[Tensor] = (),
) -> Path:
    """Return the engine of a network for the GPU that is here, built at its first use.

    Args:
        network: Network in evaluation mode, on the CPU.
        precision: ``float32``, ``float16`` or ``int8``.
        folder: Where engines are kept; None: beside the fetched models.
        calibration: Images for an ``int8`` engine that is not there yet; see ``build_engine``.

    Raises:
        InputError: TensorRT is missing, or cannot build it.
    """
    digest = hash_weights(network)

    def export(path: Path) -> None:
        logger.info('building an engine of %s, once', network.config.name)
        write_onnx(network, ModelCard.of_network(network, digest, 'float32'), path)

    return cached_engine(network.config, digest, precision, export, calibration, folder)


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
        config: Configuration of the model.
        digest: The sha256 of its weights, in hexadecimal.
        precision: ``float32``, ``float16`` or ``int8``.
        export: Writes the model in ONNX to a path; called only if there is something to build.
        calibration: Images for ``int8``; see ``build_engine``.
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


def engine_folder(folder: str | Path | None = None) -> Path:
    """Return where engines are kept: the given folder, or one beside the fetched models."""
    return Path(folder).expanduser() if folder else cache_folder() / 'engines'


def _holds(path: Path, header: EngineHeader) -> bool:
    try:
        return path.is_file() and EngineFile.read(path).header == header
    except InputError:
        return False


def _build(model: onnx.ModelProto, library: TensorRT) -> bytes:
    trt = library.module
    builder = trt.Builder(library.logger)
    flag = getattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED', None)  # or it always is
    network = builder.create_network(0 if flag is None else 1 << int(flag))
    parser = trt.OnnxParser(network, library.logger)
    if not parser.parse(model.SerializeToString()):
        raise InputError(f'{library.name} must understand the network: {_first_error(parser)}')
    config = builder.create_builder_config()
    images = network.get_input(0)
    if images.shape[0] == -1:
        shape = (1, *images.shape[1:])
        profile = builder.create_optimization_profile()
        profile.set_shape(images.name, shape, shape, shape)
        config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise InputError(f'{library.name} must be able to build the engine: {library.reason()}')
    return bytes(plan)


def _first_error(parser: Any) -> str:  # noqa: ANN401 - of a library without types
    if not parser.num_errors:
        return 'it gives no reason'
    error = parser.get_error(0)
    return f'{error.node_operator()}: {error.desc()}'
