"""Looks at modules from a distance: each is imported in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

MARK = 'facts: '
SECONDS = 60.0  # for one import; a cold disk is slow


@dataclass(frozen=True)
class Probe:
    """What became of an import.

    Args:
        is_installed: Whether there is such a module.
        error: Why it does not work, empty if it does.
        facts: What it says about itself.
    """

    is_installed: bool
    error: str = ''
    facts: dict[str, Any] = field(default_factory=dict)


def probe_modules(expressions: Mapping[str, str], seconds: float = SECONDS) -> dict[str, Probe]:
    """Import modules at the same time, each in a process of its own.

    Args:
        expressions: By module, a Python expression for a dictionary of facts about it.
        seconds: How long an import may take.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(expressions))) as pool:
        probes = pool.map(lambda name: _probe(name, expressions[name], seconds), expressions)
        return dict(zip(expressions, probes, strict=True))


def _probe(module: str, expression: str, seconds: float) -> Probe:
    if find_spec(module) is None:
        return Probe(is_installed=False)
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
