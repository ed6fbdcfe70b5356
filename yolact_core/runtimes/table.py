"""The table of runtimes, and what has to be installed for each."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.errors import InputError

if TYPE_CHECKING:
    import torch

    from yolact_core.config import ModelConfig
    from yolact_core.runtimes.backend import Backend


@dataclass(frozen=True)
class Runtime:
    """What runs exported files of one kind.

    Args:
        name: What ``Detector.load(backend=...)`` calls it.
        suffix: Of the files.
        module: Of the backend; has ``open_model(path, device, precision) -> Backend``.
        packages: Any one of these must be importable.
        install: The command that brings one.
        devices: Types of device that it runs on.
        has_deformable: Whether it knows the deformable convolutions of YOLACT++.
    """

    name: str
    suffix: str
    module: str
    packages: tuple[str, ...]
    install: str
    devices: tuple[str, ...]
    has_deformable: bool = True

    @property
    def is_installed(self) -> bool:
        """Whether it can be imported."""
        return any(find_spec(package) is not None for package in self.packages)

    def names(self, path: Path) -> bool:
        """Return whether a path is named as its files are."""
        return path.name.endswith(self.suffix)

    def can_run(self, config: ModelConfig) -> bool:
        """Return whether it knows all operations of a network."""
        return self.has_deformable or not any(config.backbone.deformable)

    def require(self) -> None:
        """Raise InputError if it is not installed."""
        if not self.is_installed:
            raise InputError(
                f'backend {self.name} must be installed, got none of '
                f'{", ".join(self.packages)}: {self.install}'
            )

    def open_model(self, path: Path, device: torch.device, precision: str) -> Backend:
        """Open an exported file.

        Args:
            path: Of the file.
            device: To run on.
            precision: ``auto`` or what the backend knows.

        Raises:
            InputError: The runtime is not installed, does not run on the device or in the
                precision, or the file is not one of its own.
        """
        self.require()
        if device.type not in self.devices:
            raise InputError(
                f'backend {self.name} must run on {" or ".join(self.devices)}, got {device}'
            )
        if not path.is_file():
            raise InputError(f'model file must exist, got {str(path)!r}')
        backend: Backend = import_module(self.module).open_model(path, device, precision)
        return backend


_BACKENDS = 'yolact_core.runtimes'
RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime(
            'onnx',
            '.onnx',
            f'{_BACKENDS}.onnx',
            ('onnxruntime',),
            "pip install 'yolact[onnx]'",
            ('cpu', 'cuda'),
        ),
        Runtime(
            'openvino',
            '.xml',
            f'{_BACKENDS}.openvino',
            ('openvino',),
            "pip install 'yolact[openvino]'",
            ('cpu',),
        ),
        Runtime(
            'ncnn',
            '.ncnn.param',
            f'{_BACKENDS}.ncnn',
            ('ncnn',),
            "pip install 'yolact[ncnn]'",
            ('cpu',),
            has_deformable=False,
        ),
        Runtime(
            'tensorrt',
            '.engine',
            f'{_BACKENDS}.tensorrt',
            ('tensorrt', 'tensorrt_rtx'),
            "pip install 'yolact[tensorrt]' (a Jetson has it from JetPack)",
            ('cpu', 'cuda'),  # of PyTorch, which need not know the GPU that the engine runs on
        ),
    )
}


def runtime_of_file(path: Path) -> Runtime | None:
    """Return what runs an exported file; None if it is not one."""
    return next((entry for entry in RUNTIMES.values() if entry.names(path)), None)
