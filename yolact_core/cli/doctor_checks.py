"""What ``yolact doctor`` looks at. None of the checks fails, whatever is broken."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from yolact_core.checkpoints.model_zoo import OFFICIAL_MODELS, cache_folder, shipped_models
from yolact_core.compiled import kernels
from yolact_core.runtimes.registry import RUNTIMES, InstallCheck

CPU_FLAGS = (  # of x86, then of Arm
    *('avx2', 'avx512f', 'avx512_bf16', 'avx512_vnni', 'avx_vnni', 'amx_bf16', 'amx_int8'),
    *('asimd', 'asimddp', 'bf16', 'i8mm'),
)
OLDEST_PYTHON = (3, 10)
PACKAGES = ('numpy', 'pillow', 'timm', 'safetensors', 'pyyaml', 'huggingface_hub', 'rich')
MARK = 'facts: '
SECONDS = 60.0  # for one import; a cold disk is slow

REQUIRED = {
    'torch': InstallCheck(
        'PyTorch',
        'pip install torch torchvision',
        '{"version": torch.__version__, "cuda": torch.version.cuda or "none", '
        '"gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] '
        'if torch.cuda.is_available() else []}',
        '{version}, built for CUDA {cuda}',
        is_required=True,
    ),
    'torchvision': InstallCheck(
        'torchvision',
        'pip install torchvision',
        '{"version": torchvision.__version__, "works": torchvision.ops.nms('
        '(t := __import__("torch")).zeros(1, 4), t.zeros(1), 0.5).tolist()}',
        '{version}, fits PyTorch',
        'install both from the same index: pip install --force-reinstall torch torchvision '
        '(for CPU-only wheels, name their index for both)',
        is_required=True,
    ),
    'cv2': InstallCheck(
        'OpenCV',
        'pip install opencv-python-headless',
        broken='pip install --force-reinstall opencv-python-headless (needs no libGL)',
        is_required=True,
    ),
}
OPTIONAL = {
    'rclpy': InstallCheck(
        'ROS 2',
        'for the node only: source /opt/ros/DISTRO/setup.bash of an installed ROS 2',
        '{"rmw": __import__("rclpy.utilities").utilities.get_rmw_implementation_identifier()}',
        'rclpy with {rmw}',
        'source the setup.bash of the ROS 2 that this Python belongs to',
    ),
    'pycocotools': InstallCheck(
        'pycocotools',
        'for evaluation: pip install pycocotools',
        '{"works": bool(__import__("pycocotools.mask"))}',
        'works',
    ),
}


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Args:
        what: What was looked at.
        found: Version or state that was found.
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
class Probe:
    """What became of an import.

    Args:
        is_installed: Whether there is such a module.
        error: Why it does not work; empty if it does.
        facts: What the module says about itself.
    """

    is_installed: bool
    error: str = ''
    facts: dict[str, Any] = field(default_factory=dict)


def examine() -> list[Finding]:
    """Look at everything; modules that may be broken are imported elsewhere, at the same time."""
    checks = list_checks()
    probes = probe_modules({module: check.facts for module, check in checks.items()})
    modules = [_judge(check, probes[module]) for module, check in checks.items()]
    return [
        *_machine(),
        *(_package(name) for name in PACKAGES),
        *modules,
        _cuda(probes),
        _driver(),
        _ros_environment(probes['rclpy']),
        *_models(),
    ]


def _judge(check: InstallCheck, probe: Probe) -> Finding:
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
        _kernels(),
    ]


def _kernels() -> Finding:
    if kernels is not None:
        return Finding('kernels', 'compiled')
    remedy = "for faster masks: install a C compiler and Python's headers, then yolact once more"
    return Finding('kernels', 'not compiled', 'missing', remedy)


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
    fetched = [name for name, model in OFFICIAL_MODELS.items() if model.path.is_file()]
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    found = Finding('shipped models', shipped)
    if not shipped:
        remedy = 'official ones are fetched when needed'
        found = Finding('shipped models', 'none', 'missing', remedy)
    cache = Finding('model cache', str(folder))
    if not os.access(existing, os.W_OK):
        remedy = 'set YOLACT_CACHE to a folder of yours'
        cache = Finding('model cache', f'{folder} cannot be written to', 'problem', remedy)
    return [found, Finding('official models', ', '.join(fetched) or 'none fetched yet'), cache]


def list_checks() -> dict[str, InstallCheck]:
    """Return what is looked at, by module: PyTorch, the runtimes, and what has uses of its own."""
    runtimes = {one.packages[0]: one.check for one in RUNTIMES.values() if one.check is not None}
    return REQUIRED | runtimes | OPTIONAL


def probe_modules(expressions: Mapping[str, str], seconds: float = SECONDS) -> dict[str, Probe]:
    """Import modules at the same time, each in a process of its own.

    Args:
        expressions: Python expression for a dictionary of facts, by module; empty: its version.
        seconds: How long an import may take.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(expressions))) as pool:
        probes = pool.map(lambda name: _probe(name, expressions[name], seconds), expressions)
        return dict(zip(expressions, probes, strict=True))


def _probe(module: str, expression: str, seconds: float) -> Probe:
    if find_spec(module) is None:
        return Probe(is_installed=False)
    expression = expression or f'{{"version": {module}.__version__}}'
    code = f'import json, {module}\nprint("\\n{MARK}" + json.dumps({expression}))'
    try:
        child = subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', code],
            capture_output=True,
            text=True,
            errors='replace',
            timeout=seconds,
            check=False,
        )
    except OSError as error:
        return Probe(is_installed=True, error=f'cannot be tried: {error}')
    except subprocess.TimeoutExpired:
        return Probe(is_installed=True, error=f'import takes more than {seconds:.0f} s')
    if child.returncode < 0:
        return Probe(is_installed=True, error=f'import ends with signal {-child.returncode}')
    if child.returncode > 0:
        lines = [line.strip() for line in child.stderr.splitlines() if line.strip()]
        return Probe(is_installed=True, error=lines[-1] if lines else 'no reason given')
    facts = child.stdout.partition(MARK)[2].partition('\n')[0]  # modules may print themselves
    return Probe(is_installed=True, facts=json.loads(facts))
