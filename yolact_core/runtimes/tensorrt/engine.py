"""Engines: built from networks, kept in files, and found by what they were built of and for."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.checkpoints.model_zoo import cache_folder
from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.quantization.calibration import quantize_network
from yolact_core.records import build_record, parse_json
from yolact_core.runtimes.export import write_onnx
from yolact_core.runtimes.exported_backend import FORMAT, ModelCard
from yolact_core.runtimes.tensorrt.library import ANY_GPU, TensorRT, find_tensorrt
from yolact_core.runtimes.tensorrt.precision import halve_model, load_model

if TYPE_CHECKING:
    from yolact_core.config import ModelConfig
    from yolact_core.network import Yolact

PRECISIONS = ('float32', 'float16', 'int8')
MAGIC = b'YOLACT engine 1\n'
LENGTH_BYTES = 8
ID_DIGITS = 12
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineHeader:
    """What an engine was built of and for.

    Args:
        model: Name of the configuration.
        weights: The sha256 of the weights, in hexadecimal.
        precision: ``float32``, ``float16`` or ``int8``.
        size: Side of the input in pixels.
        runtime: Runtime that built it and alone can run it, such as ``tensorrt 10.3.0``.
        gpu: GPU that alone can run it, such as ``Orin (8.7)``, or ``any``.
    """

    model: str
    weights: str
    precision: str
    size: int
    runtime: str
    gpu: str

    @classmethod
    def of(
        cls, config: ModelConfig, digest: str, precision: str, library: TensorRT
    ) -> EngineHeader:
        """Return that of an engine that a library builds here of weights with a digest."""
        return cls(
            config.name, digest, precision, config.input_size, library.runtime, library.gpu()
        )

    @property
    def filename(self) -> str:
        """A name that no other engine has."""
        start = f'{self.model}-{self.weights[:ID_DIGITS]}-{self.precision}-{self.size}'
        made_for = re.sub(r'[^\w.-]', '_', f'{self.runtime}-{self.gpu}')
        return f'{start}-{made_for}.engine'

    def check(self, path: Path, runtime: str, gpu: str) -> None:
        """Refuse the engine in a file if it is not for the runtime and the GPU that are here.

        Raises:
            InputError: It was built by another runtime or for another GPU.
        """
        if self.runtime != runtime:
            raise InputError(
                f'{path} must be built by the runtime that is here, {runtime}, '
                f'got one by {self.runtime}: build it again with "yolact export"'
            )
        if self.gpu not in (ANY_GPU, gpu):
            raise InputError(
                f'{path} must be built for the GPU that is here, {gpu}, '
                f'got one for {self.gpu}: build it again with "yolact export"'
            )


@dataclass(frozen=True)
class EngineFile:
    """An engine with what is known about it.

    Args:
        header: What the engine was built of and for.
        metadata: Metadata of the ONNX file that it was built of, by key.
        plan: The engine as TensorRT serialised it.
    """

    header: EngineHeader
    metadata: Mapping[str, str]
    plan: bytes

    def write(self, path: Path) -> None:
        """Write it to a file, whole or not at all."""
        facts = {
            'header': asdict(self.header),
            'metadata': dict(self.metadata),
            'sha256': hashlib.sha256(self.plan).hexdigest(),
        }
        front = json.dumps(facts).encode()
        with replace_when_done(path) as unfinished, unfinished.open('wb') as file:
            file.write(MAGIC + len(front).to_bytes(LENGTH_BYTES, 'big') + front)
            file.write(self.plan)

    @classmethod
    def read(cls, path: Path) -> EngineFile:
        """Read a file.

        Raises:
            InputError: It cannot be read, is no engine written here, or is damaged.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f'{path} must be a readable engine: {error.strerror}') from error
        if not content.startswith(MAGIC):
            raise InputError(
                f'{path} must be an engine written by "yolact export", got something else'
            )
        front = len(MAGIC) + LENGTH_BYTES
        start = front + int.from_bytes(content[len(MAGIC) : front], 'big')
        plan = content[start:]
        try:
            facts = parse_json(content[front:start])
            is_whole = facts['sha256'] == hashlib.sha256(plan).hexdigest()
        except (ValueError, KeyError, TypeError):
            is_whole = False
        if not is_whole:
            raise InputError(f'{path} must be a whole engine, got a damaged file: build it again')
        header = build_record(EngineHeader, facts['header'], str(path))
        return cls(header, facts['metadata'], plan)


def build_engine(
    onnx_path: Path,
    engine_path: Path,
    precision: str,
    library: TensorRT | None = None,
) -> EngineHeader:
    """Build an engine and write it to a file.

    It takes one image at a time, as bytes, and returns float32, whatever it computes in. With
    ``int8`` the convolutions take int8 and all else is float16.

    Args:
        onnx_path: Exported network in float32, for ``int8`` one that rounds to it.
        engine_path: File to write the engine to.
        precision: ``float32``, ``float16`` or ``int8``.
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
    if precision != 'float32':
        halve_model(exported)
    header = EngineHeader.of(card.config, card.digest, precision, library)
    EngineFile(header, metadata, library.build(exported)).write(engine_path)
    return header


def find_or_build(network: Yolact, precision: str, folder: str | Path | None = None) -> Path:
    """Return the engine of a network for the GPU and the TensorRT that are here.

    It is built if it is not there yet, or damaged.

    Args:
        network: Network in evaluation mode, on the CPU.
        precision: ``float32``, ``float16`` or ``int8``.
        folder: Where engines are kept; None: beside the fetched models.

    Raises:
        InputError: TensorRT is missing or cannot build it, or for ``int8`` the network has no
            ranges.
    """
    library, digest = find_tensorrt(), hash_weights(network)
    header = EngineHeader.of(network.config, digest, precision, library)
    path = engine_folder(folder) / header.filename
    if not _holds(path, header):
        logger.info('building an engine of %s, once', network.config.name)
        with tempfile.TemporaryDirectory() as exported:
            onnx_path = Path(exported) / 'model.onnx'
            module = quantize_network(network, True) if precision == 'int8' else network
            write_onnx(module, ModelCard.of_network(network, digest, 'float32'), onnx_path)
            build_engine(onnx_path, path, precision, library)
    return path


def engine_folder(folder: str | Path | None = None) -> Path:
    """Return where engines are kept: the given folder, or one beside the fetched models."""
    return Path(folder).expanduser() if folder else cache_folder() / 'engines'


def _holds(path: Path, header: EngineHeader) -> bool:
    try:
        file = EngineFile.read(path) if path.is_file() else None
    except InputError:
        return False
    return file is not None and file.header == header and file.metadata.get('format') == FORMAT
