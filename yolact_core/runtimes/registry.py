"""The table of runtimes: all that the rest of the project knows of each of them.

A new runtime is a row here and a module with its class, a subclass of ``ExportedBackend``. Rows
are in the order in which ``auto`` prefers them where speed is alike: OpenVINO suffers least beside
busy processes and compiles its files in little time, ONNX Runtime needs about as little memory,
ncnn the most. Importing the table imports none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from yolact_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from yolact_core.config import ModelConfig
    from yolact_core.network import Yolact
    from yolact_core.runtimes.exported_backend import ExportedBackend

COMPILED = 'torch_compile'
IN_PYTORCH = ('torch', COMPILED)  # backends that run checkpoints as they are


@dataclass(frozen=True)
class InstallCheck:
    """What ``yolact doctor`` looks at, and says, about a module.

    Args:
        what: Name of the software, as people know it.
        remedy: What to do where the module is missing.
        facts: Python expression for a dictionary of facts about the module; empty: its version.
        shown: Format string that shows the facts.
        broken: What to do where the import fails; empty: the same as where it is missing.
        is_required: Whether nothing works without the module.
    """

    what: str
    remedy: str
    facts: str = ''
    shown: str = '{version}'
    broken: str = ''
    is_required: bool = False


@dataclass(frozen=True)
class Runtime:
    """What runs exported files of one kind.

    Args:
        name: Name of the backend, as ``Detector.load(backend=...)`` takes it.
        suffix: Suffix of the files.
        backend: Class that writes and runs the files, as ``module:name``.
        packages: Modules any one of which must be importable.
        install: Command that installs one of them.
        devices: Types of device that it runs on.
        precisions: Precisions that files can be written in, the usual one first.
        computes_in: Precisions that it can run files in; empty: in that of the file only.
        has_deformable: Whether it knows the deformable convolutions of YOLACT++.
        can_pick: Whether its graphs can give the most promising priors alone.
        is_measured: Whether ``auto`` tries it on a CPU.
        format: Name of the format in ``yolact export``; empty: the runtime's.
        summary: One line for the help of ``yolact export``.
        check: What ``yolact doctor`` says of it; None: nothing.
        versions: Packages on whose versions its speed depends.
        builder: For files that fit only the machine that they are built on: the function that
            finds or builds them, as ``module:name``. Empty: files are kept with the others.
    """

    name: str
    suffix: str
    backend: str
    packages: tuple[str, ...]
    install: str
    devices: tuple[str, ...]
    precisions: tuple[str, ...] = ('float32',)
    computes_in: tuple[str, ...] = ()
    has_deformable: bool = True
    can_pick: bool = True
    is_measured: bool = True
    format: str = ''
    summary: str = ''
    check: InstallCheck | None = None
    versions: tuple[str, ...] = ()
    builder: str = ''

    @property
    def is_installed(self) -> bool:
        """Whether it can be imported."""
        return any(find_spec(package) is not None for package in self.packages)

    @property
    def backend_class(self) -> type[ExportedBackend]:
        """Class that writes and runs the files; the runtime is imported now."""
        found: type[ExportedBackend] = resolve_name(self.backend)
        return found

    @property
    def find_or_build(self) -> Callable[[Yolact, str, str | Path | None], Path]:
        """Builder, which is given a network, a precision and a folder."""
        found: Callable[..., Path] = resolve_name(self.builder)
        return found

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

    def open_model(self, path: Path, device: torch.device, precision: str) -> ExportedBackend:
        """Open an exported file.

        Args:
            path: Exported file.
            device: Device to run on.
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
        if self.computes_in and precision not in ('auto', *self.computes_in):
            choice = 'one of ' if len(self.computes_in) > 1 else ''
            raise InputError(
                f'precision of backend {self.name} must be {choice}'
                f'{", ".join(self.computes_in)}, got {precision!r}'
            )
        return self.backend_class.open(path, device, precision)


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime(
            'openvino',
            '.xml',
            'yolact_core.runtimes.openvino:OpenVinoBackend',
            packages=('openvino',),
            install="pip install 'yolact[openvino]'",
            devices=('cpu',),
            precisions=('float32', 'int8'),
            computes_in=('float32', 'bfloat16', 'int8'),
            summary='.xml and .bin, for OpenVINO',
            check=InstallCheck(
                'OpenVINO',
                "for backend openvino, the fastest in int8: pip install 'yolact[openvino]'",
                '{"version": openvino.__version__, '
                '"devices": ", ".join(openvino.Core().available_devices)}',
                '{version}: {devices}',
            ),
            versions=('openvino',),
        ),
        Runtime(
            'onnx',
            '.onnx',
            'yolact_core.runtimes.onnx:OnnxBackend',
            packages=('onnxruntime',),
            install="pip install 'yolact[onnx]'",
            devices=('cpu', 'cuda'),
            computes_in=('float32', 'float16'),
            summary='.onnx, for ONNX Runtime and many other programs',
            check=InstallCheck(
                'ONNX Runtime',
                "for backend onnx: pip install 'yolact[onnx]' (with CUDA also onnxruntime-gpu)",
                '{"version": onnxruntime.__version__, '
                '"providers": ", ".join(onnxruntime.get_available_providers())}',
                '{version}: {providers}',
            ),
            versions=('onnxruntime', 'onnxruntime-gpu', 'onnxscript'),
        ),
        Runtime(
            'ncnn',
            '.ncnn.param',
            'yolact_core.runtimes.ncnn:NcnnBackend',
            packages=('ncnn',),
            install="pip install 'yolact[ncnn]'",
            devices=('cpu',),
            computes_in=('float32', 'bfloat16'),
            has_deformable=False,
            can_pick=False,
            summary='.ncnn.param and .ncnn.bin, for ncnn',
            check=InstallCheck(
                'ncnn',
                'for backend ncnn, often the fastest in float32 on a CPU: '
                "pip install 'yolact[ncnn]'",
            ),
            versions=('ncnn', 'pnnx'),
        ),
        Runtime(
            'tensorrt',
            '.engine',
            'yolact_core.runtimes.tensorrt.backend:TensorRtBackend',
            packages=('tensorrt', 'tensorrt_rtx'),
            install="pip install 'yolact[tensorrt]' (a Jetson has it from JetPack)",
            devices=('cpu', 'cuda'),  # PyTorch's, which need not know the GPU of the engine
            precisions=('float16', 'float32', 'int8'),
            is_measured=False,  # an engine is built only if it is asked for
            format='engine',
            summary='.engine, for TensorRT on this very GPU',
            check=InstallCheck(
                'TensorRT',
                'for engines on NVIDIA GPUs: pip install tensorrt (a Jetson has it from JetPack)',
            ),
            builder='yolact_core.runtimes.tensorrt.engine:find_or_build',
        ),
    )
}


def backend_names() -> tuple[str, ...]:
    """Return the names that ``Detector.load(backend=...)`` takes besides ``auto``."""
    return (*IN_PYTORCH, *RUNTIMES)


def export_formats() -> dict[str, Runtime]:
    """Return the runtimes by the name of their format in ``yolact export``."""
    return {runtime.format or runtime.name: runtime for runtime in RUNTIMES.values()}


def runtime_of_file(path: Path) -> Runtime | None:
    """Return what runs an exported file; None if it is not one."""
    return next((runtime for runtime in RUNTIMES.values() if runtime.names(path)), None)
