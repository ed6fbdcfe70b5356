"""TensorRT as it is installed: NVIDIA's ``tensorrt``, or ``tensorrt_rtx`` with the same names."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_core.errors import InputError
from yolact_core.runtimes.registry import RUNTIMES
from yolact_core.runtimes.tensorrt.cuda_driver import describe_gpu

if TYPE_CHECKING:
    import onnx

NAMES = RUNTIMES['tensorrt'].packages
NO_REASON = 'it gives no reason'
ANY_GPU = 'any'
LEAST_MAJOR = {'tensorrt': 10, 'tensorrt_rtx': 1}


@dataclass(frozen=True)
class TensorRT:
    """One of the two libraries.

    Args:
        name: Name of its Python module.
        module: The module itself.
        logger: Logger that the library reports errors to.
        errors: Errors that were reported so far.
    """

    name: str
    module: Any
    logger: Any
    errors: list[str] = field(default_factory=list)

    @property
    def runtime(self) -> str:
        """Name and version, such as ``tensorrt 10.3.0``."""
        return f'{self.name} {self.module.__version__}'

    def gpu(self, index: int = 0) -> str:
        """Return the GPU that engines built here are for.

        Engines of TensorRT-RTX are for any that it knows: it finishes them where they run.

        Raises:
            InputError: A GPU has to be there and is not.
        """
        if self.name == 'tensorrt_rtx':
            return ANY_GPU
        found = describe_gpu(index)
        if found is None:
            raise InputError(
                'a GPU must be there for tensorrt, got none: build on the robot itself'
            )
        return found

    def build(self, model: onnx.ModelProto) -> bytes:
        """Return a network as an engine for one image, serialised.

        Raises:
            InputError: The library refuses the network.
        """
        trt = self.module
        builder = trt.Builder(self.logger)
        flag = getattr(
            trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED', None
        )  # or it always is
        network = builder.create_network(0 if flag is None else 1 << int(flag))
        parser = trt.OnnxParser(network, self.logger)
        if not parser.parse(model.SerializeToString()):
            error = parser.get_error(0) if parser.num_errors else None
            reason = f'{error.node_operator()}: {error.desc()}' if error else NO_REASON
            raise InputError(f'{self.name} must understand the network: {reason}')
        config = builder.create_builder_config()
        images = network.get_input(0)
        if images.shape[0] == -1:
            shape = (1, *images.shape[1:])
            profile = builder.create_optimization_profile()
            profile.set_shape(images.name, shape, shape, shape)
            config.add_optimization_profile(profile)
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise InputError(f'{self.name} must be able to build the engine: {self.reason()}')
        return bytes(plan)

    def load(self, plan: bytes, path: Path) -> Any:  # noqa: ANN401 - of a library without types
        """Return an engine that can run, or raise InputError if the library refuses it."""
        engine = self.loader.deserialize_cuda_engine(plan)
        if engine is None:
            raise InputError(f'{path} must be an engine that {self.name} loads: {self.reason()}')
        return engine

    @cached_property
    def loader(self) -> Any:  # noqa: ANN401
        """What loads engines, and must outlive them."""
        return self.module.Runtime(self.logger)

    def reason(self) -> str:
        """Return what went wrong last, and forget all that went wrong."""
        reason = self.errors[-1] if self.errors else NO_REASON
        self.errors.clear()
        return reason


def find_tensorrt(preferred: str = NAMES[0]) -> TensorRT:
    """Return the library that is installed.

    Args:
        preferred: Name of the library to return if both are installed.

    Raises:
        InputError: Neither is installed, or it is too old.
    """
    for name in sorted(NAMES, key=preferred.__ne__):
        library = _load(name)
        if library is not None:
            return library
    raise InputError(
        f'{" or ".join(NAMES)} must be installed, got neither: {RUNTIMES["tensorrt"].install}'
    )


@lru_cache(maxsize=2)
def _load(name: str) -> TensorRT | None:
    try:
        module = importlib.import_module(name)
    except (ImportError, OSError):
        return None
    least = LEAST_MAJOR[name]
    if int(module.__version__.split('.')[0]) < least:
        raise InputError(f'{name} must be at least version {least}, got {module.__version__}')
    errors: list[str] = []

    class Logger(module.ILogger):  # type: ignore[misc,name-defined]
        def log(self, severity: Any, message: str) -> None:  # noqa: ANN401
            if severity <= module.ILogger.ERROR:
                errors.append(message)

    logger = Logger()
    module.init_libnvinfer_plugins(logger, '')
    return TensorRT(name, module, logger, errors)
