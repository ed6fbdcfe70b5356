"""Search for inputs that crash, hang, take over 1 GB of memory or write where they must not.

Exit status 1: something was found.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzz.child import CURRENT, FOUND, RUNS, search
from fuzz.target import TARGETS

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0  # seconds that starting and the last input may take beyond the time given


@dataclass(frozen=True)
class Outcome:
    """What came of running a target.

    Args:
        name: Name of the target.
        runs: Number of inputs.
        edges: Edges of the code that were reached, before and after; None: not counted.
        findings: Files with the inputs that found something.
    """

    name: str
    runs: int
    edges: tuple[int, int] | None
    findings: tuple[Path, ...]

    def __str__(self) -> str:
        edges = '' if self.edges is None else f', {self.edges[0]} -> {self.edges[1]} edges'
        return f'{self.name}: {self.runs} inputs{edges}, {len(self.findings)} findings'


def main(argv: Sequence[str] | None = None) -> int:
    """Run targets one after the other, each in a process of its own.

    Args:
        argv: Words of the command line, without the program. Default: those of this process.

    Returns:
        1 if something was found, else 0.
    """
    parser = argparse.ArgumentParser(prog='fuzz', description=__doc__.splitlines()[0])
    parser.add_argument('targets', nargs='*', help=f'{", ".join(TARGETS)}; default: all')
    parser.add_argument('--minutes', type=float, default=10, help='for all targets together')
    parser.add_argument('--runs', type=int, help='number of inputs of each target instead')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--output', type=Path, default=Path('out/fuzz'))
    parser.add_argument('--child', action='store_true', help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f'target must be one of {", ".join(TARGETS)}, got {", ".join(unknown)}')
    targets = options.targets or TARGETS
    seconds = 60 * options.minutes / len(targets)
    if options.child:
        (name,) = targets
        search(name, options.output, runs=options.runs, seconds=seconds, seed=options.seed)
        return 0
    found = 0
    for name in targets:
        outcome = run_target(name, options, seconds)
        print(outcome, *outcome.findings, sep='\n  ', flush=True)
        found += len(outcome.findings)
    return int(found > 0)


def run_target(name: str, options: argparse.Namespace, seconds: float) -> Outcome:
    """Run a target in a process of its own, which it may take down with it.

    Args:
        name: Name of the target.
        options: Options of the command line.
        seconds: Time for the target.
    """
    folder = (options.output / name).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, '-m', 'fuzz', name, '--child', '--output', str(folder)]
    words += ['--minutes', str(seconds / 60), '--seed', str(options.seed)]
    words += ['--runs', str(options.runs)] if options.runs else []
    environment = {
        **os.environ,
        'OPENCV_LOG_LEVEL': 'OFF',
        'OPENCV_FFMPEG_LOGLEVEL': '-8',
        'MALLOC_ARENA_MAX': '2',
    }
    log = folder / 'log.txt'
    with log.open('wb') as file:
        try:
            limit = None if options.runs else seconds + PATIENCE
            done = subprocess.run(
                words,
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=file,
                timeout=limit,
                check=False,
            )
            is_whole = done.returncode == 0
        except subprocess.TimeoutExpired:
            is_whole = False
    current = folder / CURRENT
    if not is_whole and current.exists():
        current.replace(folder / FOUND / 'ended_the_process')
    current.unlink(missing_ok=True)
    text = log.read_text(errors='replace')
    findings = sorted(path for path in (folder / FOUND).glob('*') if path.suffix != '.txt')
    return Outcome(
        name,
        _count_runs(folder, text),
        _count_edges(text),
        (*findings, *([] if is_whole else [log])),
    )


def _count_runs(folder: Path, log: str) -> int:
    if found := re.findall(r'number_of_executed_units:\s*(\d+)', log):
        return int(found[-1])
    path = folder / RUNS
    return int(path.read_text()) if path.exists() else 0


def _count_edges(log: str) -> tuple[int, int] | None:
    found = [int(number) for number in re.findall(r'cov: (\d+)', log)]
    return (found[0], found[-1]) if found else None


if __name__ == '__main__':
    sys.exit(main())
