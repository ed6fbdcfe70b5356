"""Whether ``auto`` chooses what is fastest: fresh processes against interleaved measurements.

Each fresh process begins without a remembered choice. Between them all candidates, loaded here,
are measured in turn, five times in all. A choice is right if what it takes is at most 5 % slower
than what is fastest then. Run on a quiet machine with ``OMP_WAIT_POLICY=passive``: four minutes
for ``yolact_resnet50``, two for ``indoor``. The first run also exports the models. A name of a
configuration stands for random weights.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import torch
from cpu_checks import Goal, report_goals

from yolact_core.benchmark.measuring import time_interleaved
from yolact_core.checkpoints.checkpoint import load_network, read_losses, save_random
from yolact_core.checkpoints.model_zoo import cache_folder, shipped_models
from yolact_core.runtimes.auto import ask
from yolact_core.runtimes.fastest import call_of, median_of
from yolact_core.runtimes.model_loading import choose_backend, load_backend

MEASUREMENTS, ROUNDS = 5, 3
MOST_SLOWER = 1.05


def check_choices(model: str, processes: int, threads: int) -> Goal:
    """Return how often fresh processes choose what is fastest.

    Args:
        model: Shipped model or checkpoint.
        processes: Number of processes.
        threads: Threads of each runtime.
    """
    candidates = ask(load_network(model), 'auto', read_losses(model)).candidates
    backends = {one: load_backend(model, 'cpu', *one) for one in candidates}
    calls = {str(one): call_of(backend) for one, backend in backends.items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    chosen: Counter[str] = Counter()
    for number in range(MEASUREMENTS):
        for _ in range(number, processes, MEASUREMENTS):
            chosen[choose_afresh(model, threads)] += 1
        with torch.inference_mode():
            found = time_interleaved(calls, ROUNDS, warm_up=1)
        for name, median in found.items():
            seconds[name].append(median)
    fastest = min(seconds, key=lambda name: median_of(seconds[name]).value)
    slower = {
        name: median_of([one / best for one, best in zip(values, seconds[fastest], strict=True)])
        for name, values in seconds.items()
    }
    for name, (ratio, low, high) in slower.items():
        time = 1000 * median_of(seconds[name]).value
        print(f'{name}: {time:.1f} ms, {ratio:.2f} times slower ({low:.2f} to {high:.2f})')
    right = sum(count for name, count in chosen.items() if slower[name].value <= MOST_SLOWER)
    words = ', '.join(f'{name} {count} times' for name, count in chosen.items())
    return Goal(
        f'auto takes the fastest for {Path(model).stem}',
        f'{processes} of {processes}',
        f'{right}: {words}',
        right == processes,
    )


def choose_afresh(model: str, threads: int) -> str:
    """Return what a new process chooses that remembers nothing."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / 'exported').symlink_to(cache_folder().resolve() / 'exported')
        command = [sys.executable, __file__, model, '--threads', str(threads), '--choose']
        environment = {**os.environ, 'YOLACT_CACHE': folder}
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    print(done.stdout.strip(), flush=True)
    return done.stdout.partition('(')[0].strip()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('models', nargs='+')
    parser.add_argument('--processes', type=int, default=10)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--choose', action='store_true', help='choose for one, and print it')
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.choose:
        model = arguments.models[0]
        print(choose_backend(load_network(model), 'auto', read_losses(model))[1])
        return
    with tempfile.TemporaryDirectory() as folder:
        known = shipped_models()
        models = [
            name if name in known else str(save_random(name, Path(folder)))
            for name in arguments.models
        ]
        report_goals(
            [check_choices(one, arguments.processes, arguments.threads) for one in models]
        )


if __name__ == '__main__':
    main()
