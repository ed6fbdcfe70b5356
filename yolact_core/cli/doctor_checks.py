"""The checks of ``yolact doctor``. None of them fails, whatever is broken."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from yolact_core.checkpoints.model_zoo import OFFICIAL_MODELS, cache_folder, shipped_models
from yolact_core.cli.doctor_probes import Probe, probe_modules

CPU_FLAGS = (  # of x86, then of Arm
    *('avx2', 'avx512f', 'avx512_bf16', 'avx512_vnni', 'avx_vnni', 'amx_bf16', 'amx_int8'),
    *('asimd', 'asimddp', 'bf16', 'i8mm'),
)
OLDEST_PYTHON = (3, 10)
REQUIRED = ('numpy', 'pillow', 'timm', 'safetensors', 'pyyaml', 'huggingface_hub', 'rich')
SAME_INDEX = (
    'install both from the same index: pip install --force-reinstall torch torchvision '
    '(for CPU-only wheels, name their index for both)'
)


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Args:
        what: Was looked at.
        found: Its version or state.
        state: ``ok``, ``missing`` or ``problem``.
        remedy: What to do about it, in words.
        is_required: Whether nothing works without it.
    """

    what: str
    found: str
    state: str = 'ok'
    remedy: str = ''
    is_required: bool = False


@dataclass(frozen=True)
class ModuleCheck:
    """A module that is imported in a process of its own.

    Args:
        what: Name for people.
        facts: Python expression for a dictionary of facts about it.
        shown: How the facts are shown, a format string.
        remedy: What to do where it is missing.
        broken: What to do where its import fails. Default: the same.
        is_required: Whether nothing works without it.
    """

    what: str
    facts: str
    shown: str
    remedy: str
    broken: str = ''
    is_required: bool = False


MODULES = {
    'torch': ModuleCheck(
        'PyTorch',
        '{"version": torch.__version__, "cuda": torch.version.cuda or "none", '
        '"gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] '
        'if torch.cuda.is_available() else []}',
        '{version}, built for CUDA {cuda}',
        'pip install torch torchvision',
        is_required=True,
    ),
    'torchvision': ModuleCheck(
        'torchvision',
        '{"version": torchvision.__version__, "works": torchvision.ops.nms('
        '(t := __import__("torch")).zeros(1, 4), t.zeros(1), 0.5).tolist()}',
        '{version}, fits PyTorch',
        'pip install torchvision',
        SAME_INDEX,
        is_required=True,
    ),
    'cv2': ModuleCheck(
        'OpenCV',
        '{"version": cv2.__version__}',
        '{version}',
        'pip install opencv-python-headless',
        'pip install --force-reinstall opencv-python-headless (needs no libGL)',
        is_required=True,
    ),
    'tensorrt': ModuleCheck(
        'TensorRT',
        '{"version": tensorrt.__version__}',
        '{version}',
        'for engines on NVIDIA GPUs: pip install tensorrt (a Jetson has it from JetPack)',
    ),
    'onnxruntime': ModuleCheck(
        'ONNX Runtime',
        '{"version": onnxruntime.__version__, '
        '"providers": ", ".join(onnxruntime.get_available_providers())}',
        '{version}: {providers}',
        "for backend onnx: pip install 'yolact[onnx]' (with CUDA also onnxruntime-gpu)",
    ),
    'openvino': ModuleCheck(
        'OpenVINO',
        '{"version": openvino.__version__, '
        '"devices": ", ".join(openvino.Core().available_devices)}',
        '{version}: {devices}',
        "for backend openvino, the fastest in int8: pip install 'yolact[openvino]'",
    ),
    'ncnn': ModuleCheck(
        'ncnn',
        '{"version": ncnn.__version__}',
        '{version}',
        "for backend ncnn, often the fastest in float32 on a CPU: pip install 'yolact[ncnn]'",
    ),
    'rclpy': ModuleCheck(
        'ROS 2',
        '{"rmw": __import__("rclpy.utilities").utilities.get_rmw_implementation_identifier()}',
        'rclpy with {rmw}',
        'for the node only: source /opt/ros/DISTRO/setup.bash of an installed ROS 2',
        'source the setup.bash of the ROS 2 that this Python belongs to',
    ),
    'pycocotools': ModuleCheck(
        'pycocotools',
        '{"works": bool(__import__("pycocotools.mask"))}',
        'works',
        'for evaluation: pip install pycocotools',
    ),
}


def examine() -> list[Finding]:
    """Look at everything; modules that may be broken are imported elsewhere, at the same time."""
    probes = probe_modules({module: check.facts for module, check in MODULES.items()})
    modules = [_judge(check, probes[module]) for module, check in MODULES.items()]
    return [
        *_machine(),
        *(_package(name) for name in REQUIRED),
        *modules,
        _cuda(probes),
        _driver(),
        _ros_environment(probes['rclpy']),
        *_models(),
    ]


def _judge(check: ModuleCheck, probe: Probe) -> Finding:
    if not probe.is_installed:
        return Finding(check.what, 'not installed', 'missing', check.remedy, check.is_required)
    if probe.error:
        remedy = check.broken or check.remedy
        return Finding(check.what, probe.error, 'problem', remedy, check.is_required)
    return Finding(check.what, check.shown.format(**probe.facts), is_required=check.is_required)


def _package(name: str) -> Finding:
    """Look at a package that is seldom broken, without importing it."""
    try:
        return Finding(name, metadata.version(name), is_required=True)
    except metadata.PackageNotFoundError:
        return Finding(name, 'not installed', 'missing', f'pip install {name}', is_required=True)


def _machine() -> list[Finding]:
    version = platform.python_version()
    is_recent = sys.version_info[:2] >= OLDEST_PYTHON
    state, remedy = ('ok', '') if is_recent else ('problem', 'install Python 3.10 or later')
    gibibytes = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return [
        Finding('Python', f'{version} at {sys.executable}', state, remedy, is_required=True),
        Finding('system', platform.platform()),
        Finding('CPU', f'{os.cpu_count()} cores, {platform.machine()}: {_cpu_flags()}'),
        Finding('memory', f'{gibibytes:.1f} GiB'),
    ]


def _cpu_flags() -> str:
    try:
        words = set(Path('/proc/cpuinfo').read_text(encoding='utf-8').split())
    except OSError:
        return 'features not known'
    return ' '.join(flag for flag in CPU_FLAGS if flag in words) or 'no vector features'


def _cuda(probes: Mapping[str, Probe]) -> Finding:
    gpus = probes['torch'].facts.get('gpus', [])
    if gpus:
        return Finding('CUDA in PyTorch', ', '.join(gpus))
    remedy = 'without an NVIDIA GPU nothing; else install its driver and a CUDA build of torch'
    return Finding('CUDA in PyTorch', 'no GPU can be used', 'missing', remedy)


def _driver() -> Finding:
    """Ask NVIDIA's own tool, which needs no PyTorch."""
    if (tool := shutil.which('nvidia-smi')) is None:
        return Finding('NVIDIA driver', 'nvidia-smi not found', 'missing', 'needed for CUDA only')
    query = [tool, '--query-gpu=name,driver_version,memory.total', '--format=csv,noheader']
    try:
        child = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding('NVIDIA driver', str(error), 'problem', 'reinstall the driver, then reboot')
    return Finding('NVIDIA driver', '; '.join(child.stdout.strip().splitlines()))


def _ros_environment(rclpy: Probe) -> Finding:
    distribution = os.environ.get('ROS_DISTRO')
    asked_for = os.environ.get('RMW_IMPLEMENTATION', 'not set')
    if distribution:
        return Finding('ROS environment', f'{distribution}, RMW_IMPLEMENTATION {asked_for}')
    if rclpy.is_installed:
        return Finding('ROS environment', f'no ROS_DISTRO, RMW_IMPLEMENTATION {asked_for}')
    return Finding('ROS environment', 'not sourced', 'missing', 'needed for the node only')


def _models() -> list[Finding]:
    folder = cache_folder()
    shipped = ', '.join(shipped_models())
    fetched = [
        name for name, model in OFFICIAL_MODELS.items() if (folder / model.filename).is_file()
    ]
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    is_writable = os.access(existing, os.W_OK)
    return [
        Finding('shipped models', shipped)
        if shipped
        else Finding('shipped models', 'none', 'missing', 'official ones are fetched when needed'),
        Finding('official models', ', '.join(fetched) or 'none fetched yet'),
        Finding('model cache', str(folder))
        if is_writable
        else Finding(
            'model cache',
            f'{folder} cannot be written to',
            'problem',
            'set YOLACT_CACHE to a folder of yours',
        ),
    ]
