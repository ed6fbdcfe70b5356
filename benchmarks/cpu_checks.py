"""All goals for speed on a CPU in two tables, each met, missed, or not to be measured here.

``make bench-cpu`` takes a quarter of an hour on two quiet cores. Ratios are medians of rounds in
which all take their turn; weights are made up, and what is to be done after the network is fixed.
Without ``--busy`` threads wait as the runtimes have it, which favours the reference; ``--busy``
wants ``OMP_WAIT_POLICY=passive``, which commands and node set for themselves.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import torch

from yolact_core.benchmark.benchmark import BenchmarkOptions, run_benchmark
from yolact_core.benchmark.report import Report, Result, Spread
from yolact_core.benchmark.variants import Variant
from yolact_core.benchmark.workload import Workload, draw_images
from yolact_core.checkpoints.checkpoint import save_random
from yolact_core.checkpoints.model_zoo import shipped_models
from yolact_core.cli.benchmark import say_report

CPU = torch.device('cpu')
VGA, FULL_HD = (480, 640), (1080, 1920)
TWO_STAGE = ('mask_rcnn', 'mask_rcnn_550')
EXPORTED = ('onnx', 'openvino', 'ncnn')
VERDICTS = {True: 'met', False: 'MISSED', None: '-'}
LEAST = {'float32': 1.8, 'bfloat16': 2.8, 'int8': 5.0}  # times faster than plain


class Goal(NamedTuple):
    """One line of the table.

    Attributes:
        subject: What is measured.
        wanted: The goal in words; empty for a figure without one.
        found: Figure in words; why there is none if nothing was measured.
        is_met: Whether the goal is met; None if that was not measured, or there is no goal.
    """

    subject: str
    wanted: str
    found: str
    is_met: bool | None = None


def report_goals(goals: Sequence[Goal]) -> None:
    """Print the table, which says of each goal whether it is met."""
    widths = [max(len(goal[column]) for goal in goals) for column in range(2)]
    for goal in goals:
        verdict = VERDICTS[goal.is_met] if goal.wanted else ''
        cells = (goal.subject.ljust(widths[0]), goal.wanted.ljust(widths[1]))
        print('  '.join((*cells, verdict.ljust(6), goal.found)))


def check_ratios(report: Report) -> list[Goal]:
    """Return the goals that are ratios to a reference."""
    against_plain = [
        _compare(report, precision, 'plain', least) for precision, least in LEAST.items()
    ]
    against_two_stage = [_compare(report, 'float32', name, 4.0) for name in TWO_STAGE]
    return against_plain + against_two_stage


def check_overhead(report: Report, most: float) -> Goal:
    """Return the goal for everything outside the network, which may take ``most`` milliseconds."""
    found = _default(report).outside_network
    subject = f'outside the network, {report.workload}'
    return Goal(subject, f'< {most:.0f} ms', f'{found:.1f} ms', found < most)


def check_busy(report: Report) -> list[Goal]:
    """Return the goal for the default backend beside a busy process, and the plain one's fate."""
    ours, plain = _default(report).busy_slowdown, report['plain'].busy_slowdown
    return [
        Goal(
            f'beside a busy process, {_default(report).name}',
            '<= 2 times slower',
            _words(ours),
            ours is not None and ours.median <= 2,
        ),
        Goal('beside a busy process, plain', 'far more', _words(plain), None),
    ]


def check_indoor(options: BenchmarkOptions) -> Goal:
    """Return the goal for the shipped model, if there is one, in the best of its precisions."""
    subject, wanted = 'indoor, image to masks', '>= 40 images/s'
    if 'indoor' not in shipped_models():
        return Goal(subject, wanted, 'no such model comes with this package', None)
    variants = [Variant('indoor', 'auto'), Variant('indoor', 'openvino', 'int8')]
    report = _run(variants, Workload(draw_images(VGA)), options)
    best = max(report.results, key=lambda result: result.images_per_second)
    rate = best.images_per_second
    return Goal(subject, wanted, f'{rate:.1f} images/s, {best.name}', rate >= 40)


def check_all(model: str, options: BenchmarkOptions) -> list[Goal]:
    """Measure a checkpoint on a quiet machine."""
    vga = Workload(draw_images(VGA))
    full_hd = Workload(draw_images(FULL_HD), candidates=300, instances=20)
    default, plain = Variant(model, 'auto'), Variant(model, 'plain')
    every = [
        plain,
        *(Variant(model, name) for name in TWO_STAGE),
        *(Variant(model, name, 'float32') for name in ('torch', 'torch_compile', 'onnx')),
        *(Variant(model, 'ncnn', precision) for precision in ('float32', 'bfloat16')),
        *(Variant(model, 'openvino', precision) for precision in LEAST),
    ]
    precisions = _run(every, vga, options)
    small, large = (_run([default], workload, options) for workload in (vga, full_hd))
    return [
        *check_ratios(precisions),
        check_overhead(small, 12),
        check_overhead(large, 20),
        check_indoor(options),
    ]


def check_beside_another(model: str, options: BenchmarkOptions) -> list[Goal]:
    """Measure what is measured beside a busy process."""
    variants = [Variant(model, 'plain'), Variant(model, 'auto')]
    vga = Workload(draw_images(VGA))
    return check_busy(_run(variants, vga, replace(options, is_busy=True)))


def _run(variants: Sequence[Variant], workload: Workload, options: BenchmarkOptions) -> Report:
    report = run_benchmark(variants, workload, CPU, options)
    say_report(report)
    return report


def _compare(report: Report, precision: str, reference: str, least: float) -> Goal:
    """Return the goal for the fastest of the exported backends in a precision."""
    subject, wanted = f'{precision} against {reference}', f'>= {least} times faster'
    found = [
        result
        for result in report.results
        if result.precision == precision and result.backend in EXPORTED
    ]
    if not found:
        reasons = [text for name, text in report.left_out.items() if name.endswith(precision)]
        return Goal(subject, wanted, reasons[0] if reasons else 'not measured', None)
    best = max(found, key=lambda result: result.times_faster[reference].median)
    ratio = best.times_faster[reference]
    return Goal(subject, wanted, f'{_words(ratio)}, {best.name}', ratio.median >= least)


def _default(report: Report) -> Result:
    return next(result for result in report.results if result.name.startswith('auto'))


def _words(spread: Spread | None) -> str:
    if spread is None:
        return 'not measured'
    return f'{spread.median:.2f} times ({spread.low:.2f} to {spread.high:.2f})'


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--config', default='yolact_resnet50')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--seconds', type=float, default=30, help='of each part')
    parser.add_argument('--busy', action='store_true', help='only beside a busy process')
    arguments = parser.parse_args()
    check = check_beside_another if arguments.busy else check_all
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    options = BenchmarkOptions(arguments.rounds, arguments.seconds)
    with tempfile.TemporaryDirectory() as folder:
        goals = check(str(save_random(arguments.config, Path(folder))), options)
    report_goals(goals)


if __name__ == '__main__':
    main()
