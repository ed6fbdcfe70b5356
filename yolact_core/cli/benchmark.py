"""``yolact benchmark``: how fast models are, side by side."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.benchmark import CANDIDATES, INSTANCES
from yolact_core.cli.model_options import default_model
from yolact_core.cli.options import group, names, option, whole_number
from yolact_core.runtimes.registry import backend_names
from yolact_core.terminal import progress_bar, remark_logs, say, say_table

if TYPE_CHECKING:
    from yolact_core.benchmark.report import Report
    from yolact_core.benchmark.workload import Workload

UNKNOWN = '-'
SIZE = (480, 640)  # height and width in pixels


def _size(text: str) -> tuple[int, int]:
    """Read a size such as 640x480 for argparse, and return height and width."""
    width, _, height = text.partition('x')
    try:
        return whole_number(height), whole_number(width)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f'must be WIDTHxHEIGHT, got {text!r}') from None


@dataclass(frozen=True, kw_only=True)
class VariantOptions:
    """Options that say what is measured."""

    model: tuple[str, ...] = option(
        'names from "yolact models", checkpoints and exported files',
        (default_model(),),
        nargs='+',
        metavar='NAME_OR_FILE',
    )
    random_weights: bool = option(
        'models are names of configurations, whose weights are made up: as fast as real ones',
        False,
    )
    device: str = option('auto, cpu, cuda or cuda:N', 'auto')
    backends: tuple[str, ...] = option(
        f'{", ".join(backend_names())}, auto; all: those installed but torch_compile',
        ('all',),
        type=names,
        metavar='NAME,NAME',
    )
    precisions: tuple[str, ...] = option(
        'float32, bfloat16, float16, int8; what a backend lacks is left out',
        ('auto',),
        type=names,
        metavar='NAME,NAME',
    )
    calibration: Path | None = option(
        'images for int8 (default: ranges that the checkpoint has, or those measured on)',
        metavar='DIR',
    )
    reference: tuple[str, ...] = option(
        "plain: our network in eager float32 with the original's algorithms; mask_rcnn, "
        "mask_rcnn_550: torchvision's, images scaled to 800 or 550 pixels",
        (),
        type=names,
        metavar='NAME,NAME',
    )

    def sources(self, folder: Path) -> tuple[str, ...]:
        """Return the models; those with random weights are written to a folder."""
        from yolact_core.checkpoints.checkpoint import save_random

        if not self.random_weights:
            return self.model
        return tuple(str(save_random(name, folder)) for name in self.model)


@dataclass(frozen=True, kw_only=True)
class WorkOptions:
    """Options that say what each variant is given to do."""

    size: tuple[int, int] | None = option(
        'of images that are drawn (default: 640x480)',
        type=_size,
        metavar='WIDTHxHEIGHT',
    )
    images: Path | None = option('take the images of a folder', metavar='DIR')
    instances: int | None = option(
        f'let every network see so many (default: {INSTANCES}; with --images what it sees)',
        type=whole_number,
        metavar='COUNT',
    )
    candidates: int | None = option(
        f'among so many priors (default: {CANDIDATES}; with --images what it sees)',
        type=whole_number,
        metavar='COUNT',
    )

    def workload(self) -> Workload:
        """Return the work that the options describe.

        Raises:
            InputError: There is no image in the folder, or one cannot be read.
        """
        from yolact_core.benchmark.workload import Workload, draw_images, read_images

        images = read_images(self.images) if self.images else draw_images(self.size or SIZE)
        if self.images and self.instances is None and self.candidates is None:
            return Workload(images, candidates=None, instances=None)
        return Workload(images, self.candidates or CANDIDATES, self.instances or INSTANCES)


@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """Options that say how it is measured."""

    rounds: int = option('rounds, at most, of all variants in turn', 30, type=whole_number)
    seconds: float = option('begin no round after so many', 60.0)
    threads: int | None = option(
        'threads of each runtime (default: as many as cores)', type=whole_number
    )
    explain: bool = option(
        'measure nothing of this, but say what auto chooses for each model, and why', False
    )
    busy: bool = option(
        'also measure beside a process that keeps one core busy, and tell the slow-down', False
    )


@dataclass(frozen=True, kw_only=True)
class ResultOptions:
    """Options that say where the results go."""

    json: Path | None = option('also write all as JSON', metavar='FILE')
    plot: Path | None = option('also draw them', metavar='FILE.png')
    accuracy: tuple[Path, ...] = option(
        'what "yolact evaluate --output" wrote, for speed against accuracy',
        (),
        nargs='+',
        metavar='FILE.json',
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact benchmark`` can be asked for."""

    variants: VariantOptions = group('what is measured')
    work: WorkOptions = group('what it is given')
    measure: MeasureOptions = group('how it is measured')
    results: ResultOptions = group('results')


def run(options: Options) -> int:
    """Measure and show the figures."""
    from yolact_core.benchmark.plot import draw_plot, require_matplotlib
    from yolact_core.files import replace_when_done

    results = options.results
    if options.measure.explain:
        _explain(options)
        return 0
    if results.plot:
        require_matplotlib()
    report = _measure(options)
    say_report(report)
    if results.json:
        with replace_when_done(results.json) as unfinished:
            unfinished.write_text(json.dumps(report.to_mapping(), indent=2) + '\n')
    if results.plot:
        draw_plot(report, results.plot)
    return 0


def _measure(options: Options) -> Report:
    import cv2
    import torch

    from yolact_core.benchmark.benchmark import BenchmarkOptions, run_benchmark
    from yolact_core.benchmark.report import add_accuracy, read_accuracy
    from yolact_core.benchmark.variants import plan_variants
    from yolact_core.runtimes.torch import resolve_device

    asked, measure = options.variants, options.measure
    device = resolve_device(asked.device)
    workload = options.work.workload()
    if measure.threads:
        torch.set_num_threads(measure.threads)
        cv2.setNumThreads(measure.threads)
    calibration = asked.calibration or options.work.images
    how = BenchmarkOptions(measure.rounds, measure.seconds, measure.busy, calibration)
    with tempfile.TemporaryDirectory() as folder, remark_logs():
        models = asked.sources(Path(folder))
        variants = plan_variants(
            models, asked.backends, asked.precisions, asked.reference, device.type
        )
        known = read_accuracy(options.results.accuracy, models)
        with progress_bar('rounds', measure.rounds) as advance:
            report = run_benchmark(variants, workload, device, how, advance)
        return add_accuracy(report, known)


def _explain(options: Options) -> None:
    """Say what ``auto`` chooses for each model, and why."""
    import torch
    from rich.table import Table

    from yolact_core.benchmark.explanation import COLUMNS, explain

    asked = options.variants
    torch.set_num_threads(options.measure.threads or torch.get_num_threads())
    with tempfile.TemporaryDirectory() as folder:
        for model in asked.sources(Path(folder)):
            with remark_logs():
                explanation = explain(model, asked.device, asked.precisions[0])
            say(explanation.headline)
            if explanation.rows:
                table = Table(*COLUMNS)
                for row in explanation.rows:
                    table.add_row(*row)
                say_table(table)
            say('\n'.join(explanation.remarks))


def say_report(report: Report) -> None:
    """Write what was measured, and what could not be."""
    from rich.table import Table

    from yolact_core.benchmark.tables import columns_of

    machine = report.machine
    versions = ', '.join(
        f'{name} {version}' for name, version in machine['versions'].items() if version
    )
    where = f'{machine["gpu"]}; ' if 'gpu' in machine else ''
    say(f'{where}{machine["cpu"]}, {machine["threads"]} threads; {versions}')
    say(f'{report.workload}; {report.rounds} rounds, all in turn in each')
    table = Table('ms, median')
    columns = columns_of(report)
    for title in columns:
        table.add_column(title, justify='right')
    for result, *cells in zip(report.results, *columns.values(), strict=True):
        table.add_row(result.name, *(UNKNOWN if cell is None else cell for cell in cells))
    say_table(table)
    for name, reason in report.left_out.items():
        say(f'{name}: left out: {reason}')
