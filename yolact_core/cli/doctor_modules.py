"""The modules that ``yolact doctor`` looks at, each imported in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from yolact_core.runtimes.table import RUNTIMES, InstallCheck

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
    from concurrent.futures import ThreadPoolExecutor

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
        return Probe(is_installed=True, error=_last_line(child.stderr))
    facts = child.stdout.partition(MARK)[2].partition('\n')[0]  # modules may print themselves
    return Probe(is_installed=True, facts=json.loads(facts))


def _last_line(text: str) -> str:
    """Return what an exception says, which is the last line of a traceback that is not blank."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else 'no reason given'
