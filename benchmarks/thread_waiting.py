"""PyTorch's threads that spin where they wait, as they come, and that sleep: which is faster?

``python benchmarks/thread_waiting.py`` asks two processes for an image in turn, which differ in
``OMP_WAIT_POLICY`` alone; ``--busy`` adds a process that keeps one core busy. The command
``yolact`` lets them sleep.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass

import torch

from yolact_core import build_network
from yolact_core.benchmark.measuring import busy_process, run_rounds
from yolact_core.cli.options import option, parse_options

POLICIES = {'spinning': {}, 'sleeping': {'OMP_WAIT_POLICY': 'passive'}}
Times = tuple[float, float]  # seconds: wall clock, processor


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is measured, and how."""

    config: str = option('configuration of the network', 'yolact_resnet50')
    threads: int = option('threads of PyTorch', 2)
    rounds: int = option('rounds, at most', 40)
    seconds: float = option('begin no round after so many', 60)
    busy: bool = option('keep a core busy meanwhile', False)
    serve: bool = option('be one of the processes that are asked', False)


@torch.inference_mode()
def serve(config: str, threads: int) -> None:
    """Predict whenever a line is read, and write how long it took."""
    torch.set_num_threads(threads)
    network = build_network(config).to(memory_format=torch.channels_last)
    side = network.config.input_size
    images = torch.rand(1, 3, side, side).to(memory_format=torch.channels_last)
    network(images)
    for _ in sys.stdin:
        start = time.perf_counter(), time.process_time()
        network(images)
        print(time.perf_counter() - start[0], time.process_time() - start[1], flush=True)


def ask(process: subprocess.Popen[str]) -> Times:
    """Let a process predict once."""
    process.stdin.write('\n')
    process.stdin.flush()
    wall, processor = map(float, process.stdout.readline().split())
    return wall, processor


def measure(options: Options) -> dict[str, list[Times]]:
    """Ask one process of each kind in turn."""
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(('OMP_', 'GOMP_'))
    }
    command = [
        sys.executable,
        __file__,
        *('--serve', '--config', options.config, '--threads', str(options.threads)),
    ]
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'text': True}
    with ExitStack() as stack:
        wake = stack.enter_context(busy_process() if options.busy else nullcontext())
        processes = {
            name: stack.enter_context(
                subprocess.Popen(command, env={**inherited, **policy}, **pipes)
            )
            for name, policy in POLICIES.items()
        }
        for process in processes.values():
            ask(process)
        if wake is not None:
            wake(True)
        measures = {
            name: lambda _, process=process: ask(process) for name, process in processes.items()
        }
        return run_rounds(measures, options.rounds, options.seconds, pause=0.02)


def main() -> None:
    """Measure and print."""
    options = parse_options(Options, description=__doc__.splitlines()[0])
    if options.serve:
        serve(options.config, options.threads)
        return
    found = measure(options)
    print(f'{options.config}, {options.threads} threads, {len(found["spinning"])} rounds')
    for name, times in found.items():
        wall, processor = (1000 * statistics.median(column) for column in zip(*times, strict=True))
        ratios = [one[0] / other[0] for one, other in zip(found['spinning'], times, strict=True)]
        print(
            f'{name:10}{wall:8.0f} ms, {processor:8.0f} ms of the processors, '
            f'{statistics.median(ratios):5.2f} times faster than spinning'
        )


if __name__ == '__main__':
    main()
