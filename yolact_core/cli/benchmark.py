"""``yolact benchmark``: how fast models are, side by side."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.cli.benchmark_table import say_report
from yolact_core.cli.model_options import default_model
from yolact_core.cli.options import whole_number
from yolact_core.terminal import progress_bar, remark_logs

if TYPE_CHECKING:
    from yolact_core.benchmark import Report, Workload

CANDIDATES, INSTANCES = 300, 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    _add_variants(parser.add_argument_group('what is measured'))
    _add_work(parser.add_argument_group('what it is given'))
    measuring = parser.add_argument_group('how it is measured')
    measuring.add_argument(
        '--rounds', type=whole_number, default=30, help='rounds, at most, of all variants in turn'
    )
    measuring.add_argument(
        '--seconds', type=float, default=60.0, help='begin no round after so many'
    )
    measuring.add_argument(
        '--threads', type=whole_number, help='threads of each runtime (default: as many as cores)'
    )
    measuring.add_argument(
        '--busy',
        action='store_true',
        help='also measure beside a process that keeps one core busy, and tell the slow-down',
    )
    results = parser.add_argument_group('results')
    results.add_argument('--json', type=Path, metavar='FILE', help='also write all as JSON')
    results.add_argument('--plot', type=Path, metavar='FILE.png', help='also draw them')
    results.add_argument(
        '--accuracy',
        type=Path,
        nargs='+',
        default=[],
        metavar='FILE.json',
        help='what "yolact evaluate --output" wrote, for speed against accuracy',
    )


def _add_variants(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--model',
        nargs='+',
        default=[default_model()],
        metavar='NAME_OR_FILE',
        help='names from "yolact models", checkpoints and exported files',
    )
    group.add_argument(
        '--random-weights',
        action='store_true',
        help='models are names of configurations, whose weights are made up: as fast as real ones',
    )
    group.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    group.add_argument(
        '--backends',
        type=_words,
        default=['all'],
        metavar='NAME,NAME',
        help='torch, torch_compile, onnx, openvino, ncnn, tensorrt, auto; all: those '
        'installed but torch_compile',
    )
    group.add_argument(
        '--precisions',
        type=_words,
        default=['auto'],
        metavar='NAME,NAME',
        help='float32, bfloat16, float16, int8; what a backend lacks is left out',
    )
    group.add_argument(
        '--calibration',
        type=Path,
        metavar='DIR',
        help='images for int8 (default: those measured on)',
    )
    group.add_argument(
        '--reference',
        type=_words,
        default=[],
        metavar='NAME,NAME',
        help="plain: our network in eager float32 with the original's algorithms; mask_rcnn, "
        "mask_rcnn_550: torchvision's, images scaled to 800 or 550 pixels",
    )


def _add_work(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--size',
        type=_size,
        default=(480, 640),
        metavar='WIDTHxHEIGHT',
        help='of images that are drawn (default: 640x480)',
    )
    group.add_argument('--images', type=Path, metavar='DIR', help='take the images of a folder')
    group.add_argument(
        '--instances',
        type=whole_number,
        metavar='COUNT',
        help=f'let every network see so many (default: {INSTANCES}; with --images what it sees)',
    )
    group.add_argument(
        '--candidates',
        type=whole_number,
        metavar='COUNT',
        help=f'among so many priors (default: {CANDIDATES}; with --images what it sees)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure and show the figures."""
    from yolact_core.benchmark.plot import draw_plot, require_matplotlib
    from yolact_core.files import replace_when_done

    if arguments.plot:
        require_matplotlib()
    report = _measure(arguments)
    say_report(report)
    if arguments.json:
        with replace_when_done(arguments.json) as unfinished:
            unfinished.write_text(json.dumps(report.to_mapping(), indent=2) + '\n')
    if arguments.plot:
        draw_plot(report, arguments.plot)
    return 0


def _measure(arguments: argparse.Namespace) -> Report:
    import cv2
    import torch

    from yolact_core.benchmark import BenchmarkOptions, plan_variants, run_benchmark
    from yolact_core.benchmark.accuracy import add_accuracy, read_accuracy
    from yolact_core.benchmark.random_weights import save_random
    from yolact_core.runtimes.torch import resolve_device

    device = resolve_device(arguments.device)
    workload = _workload(arguments)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
        cv2.setNumThreads(arguments.threads)
    options = BenchmarkOptions(
        arguments.rounds,
        arguments.seconds,
        arguments.busy,
        arguments.calibration or arguments.images,
    )
    with tempfile.TemporaryDirectory() as folder, remark_logs():
        models = arguments.model
        if arguments.random_weights:
            models = [str(save_random(name, Path(folder))) for name in models]
        variants = plan_variants(
            models, arguments.backends, arguments.precisions, arguments.reference, device.type
        )
        known = read_accuracy(arguments.accuracy, models)
        with progress_bar('rounds', arguments.rounds) as advance:
            report = run_benchmark(variants, workload, device, options, advance)
        return add_accuracy(report, known)


def _workload(arguments: argparse.Namespace) -> Workload:
    from yolact_core.benchmark import Workload, draw_images, read_images

    images = read_images(arguments.images) if arguments.images else draw_images(arguments.size)
    if arguments.images and arguments.instances is None and arguments.candidates is None:
        return Workload(images, candidates=None, instances=None)
    return Workload(images, arguments.candidates or CANDIDATES, arguments.instances or INSTANCES)


def _words(text: str) -> list[str]:
    return text.split(',')


def _size(text: str) -> tuple[int, int]:
    """Read a size such as 640x480 for argparse, and return height and width."""
    width, _, height = text.partition('x')
    try:
        return whole_number(height), whole_number(width)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f'must be WIDTHxHEIGHT, got {text!r}') from None
