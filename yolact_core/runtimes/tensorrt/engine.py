"""Engines from exported networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from yolact_core.errors import InputError
from yolact_core.runtimes.exported import ModelCard
from yolact_core.runtimes.tensorrt.engine_file import EngineFile, EngineHeader
from yolact_core.runtimes.tensorrt.library import TensorRT, find_tensorrt
from yolact_core.runtimes.tensorrt.precision import halve_model, load_model, quantize_model

if TYPE_CHECKING:
    import onnx

PRECISIONS = ('float32', 'float16', 'int8')


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
        engine_path: Where the engine shall be.
        precision: ``float32``, ``float16`` or ``int8``.
        calibration: For ``int8``: normalized images, each of shape (1, 3, S, S), a few hundred
            like those that the network will see.
        library: That builds it; without one, what is installed.

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
