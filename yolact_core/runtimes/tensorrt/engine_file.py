"""Engine files: what TensorRT built, and in front of it what that was built of and for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.records import build_record

MAGIC = b'YOLACT engine 1\n'
LENGTH_BYTES = 8
ANY_GPU = 'any'
ID_DIGITS = 12


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

    @property
    def filename(self) -> str:
        """A name that no other engine has."""
        start = f'{self.model}-{self.weights[:ID_DIGITS]}-{self.precision}-{self.size}'
        made_for = f'{self.runtime}-{self.gpu}'
        safe = ''.join(
            letter if letter.isalnum() or letter in '.-' else '_' for letter in made_for
        )
        return f'{start}-{safe}.engine'

    def check(self, path: Path, runtime: str, gpu: str) -> None:
        """Refuse an engine that was built elsewhere.

        Args:
            path: File of the engine, for the error.
            runtime: Runtime that is here.
            gpu: GPU that is here.

        Raises:
            InputError: It is for another runtime or another GPU.
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
            facts = json.loads(content[front:start])
            is_whole = facts['sha256'] == hashlib.sha256(plan).hexdigest()
        except (ValueError, KeyError, TypeError):
            is_whole = False
        if not is_whole:
            raise InputError(f'{path} must be a whole engine, got a damaged file: build it again')
        header = build_record(EngineHeader, facts['header'], str(path))
        return cls(header, facts['metadata'], plan)
