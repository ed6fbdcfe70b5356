"""``yolact doctor``: what this machine has, and what to install.

None of the checks fails, whatever is broken.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yolact_core.checkpoints.model_zoo import OFFICIAL_MODELS, cache_folder, shipped_models
from yolact_core.cli.doctor_modules import Probe, list_checks, probe_modules
from yolact_core.cli.options import option
from yolact_core.runtimes.table import InstallCheck
from yolact_core.terminal import say, say_json, say_table

CPU_FLAGS = (  # of x86, then of Arm
    *('avx2', 'avx512f', 'avx512_bf16', 'avx512_vnni', 'avx_vnni', 'amx_bf16', 'amx_int8'),
    *('asimd', 'asimddp', 'bf16', 'i8mm'),
)
OLDEST_PYTHON = (3, 10)
PACKAGES = ('numpy', 'pillow', 'timm', 'safetensors', 'pyyaml', 'huggingface_hub', 'rich')
COLORS = {'ok': 'green', 'missing': 'yellow', 'problem': 'red'}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact doctor`` can be asked for."""

    json: bool = option('print JSON', False)


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


def run(options: Options) -> int:
    """Check this machine.

    Returns:
        0 if all that is required works, else 1.
    """
    findings = examine()
    is_fit = all(finding.state == 'ok' for finding in findings if finding.is_required)
    if options.json:
        say_json({'ok': is_fit, 'findings': [dataclasses.asdict(finding) for finding in findings]})
    else:
        _print_table(findings)
        say('\nAll that is required works.' if is_fit else '\nSomething required does not work.')
    return 0 if is_fit else 1


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
    from importlib import metadata

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


def _print_table(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table('what', 'found', 'state', 'to do', box=None, pad_edge=False)
    for finding in findings:
        is_grave = finding.is_required and finding.state != 'ok'
        state = Text(finding.state, style='bold red' if is_grave else COLORS[finding.state])
        table.add_row(finding.what, Text(finding.found), state, Text(finding.remedy))
    say_table(table)
