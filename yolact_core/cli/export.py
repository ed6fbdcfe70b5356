"""``yolact export``: a model for another runtime or another input size."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolact_core.cli.options import whole_number
from yolact_core.errors import InputError
from yolact_core.terminal import remark, say, say_json, say_table

if TYPE_CHECKING:
    from yolact_core.export import Difference, ExportOptions
    from yolact_core.network import Yolact


class Format(NamedTuple):
    """What can be written.

    Attributes:
        runtime: That reads it.
        summary: For the help.
    """

    runtime: str
    summary: str


FORMATS = {
    'onnx': Format('onnx', '.onnx, for ONNX Runtime and many other programs'),
    'openvino': Format('openvino', '.xml and .bin, for OpenVINO'),
    'ncnn': Format('ncnn', '.ncnn.param and .ncnn.bin, for ncnn'),
    'engine': Format('tensorrt', '.engine, for TensorRT on this very GPU'),
}
CHECKPOINT = 'checkpoint'
OUTPUT_FOLDER = Path('out/export')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        'model',
        metavar='NAME_OR_FILE',
        help='a name from "yolact models", or the path of a checkpoint',
    )
    parser.add_argument(
        '--config',
        metavar='NAME_OR_YAML',
        help='configuration of a .pth file that is not named after it',
    )
    parser.add_argument(
        '--format',
        choices=(*FORMATS, CHECKPOINT),
        required=True,
        help='; '.join(f'{name}: {entry.summary}' for name, entry in FORMATS.items())
        + f'; {CHECKPOINT}: .safetensors, for this project',
    )
    parser.add_argument(
        '--input-size',
        type=whole_number,
        metavar='PIXELS',
        help='stretch images to so many pixels a side: more see smaller things and take longer '
        '(default: as the model was trained)',
    )
    parser.add_argument(
        '--precision',
        default='auto',
        help='float32; int8 of openvino and engine; float16 of engine. auto: float32, or float16 '
        'of an engine',
    )
    parser.add_argument(
        '--calibration',
        type=Path,
        metavar='DIR',
        help='folder of 100 to 300 images of what will be seen, for int8',
    )
    parser.add_argument(
        '--output',
        type=Path,
        metavar='FILE',
        help=f'file to write; default: {OUTPUT_FOLDER}/CONFIGURATION-PRECISION.SUFFIX, or '
        'CONFIGURATION.safetensors',
    )
    parser.add_argument(
        '--decode',
        action='store_true',
        help='give boxes and scores in place of raw outputs: for other programs, not for this one',
    )
    parser.add_argument(
        '--build-only',
        action='store_true',
        help='put the engine where the node finds it when it starts, and print its path',
    )
    parser.add_argument(
        '--engine-cache-dir',
        type=Path,
        metavar='DIR',
        help='of --build-only: the folder that the node is given; default: engines in the cache',
    )
    parser.add_argument('--json', action='store_true', help='write the comparison as JSON')


def run(arguments: argparse.Namespace) -> int:
    """Write the file and tell how far its outputs are from PyTorch's."""
    from yolact_core.checkpoints.checkpoint import load_network
    from yolact_core.checkpoints.model_zoo import find_model, url_to_fetch
    from yolact_core.export import export_network
    from yolact_core.network import resize_network
    from yolact_core.runtimes.table import RUNTIMES

    options = _options(arguments)
    if (url := url_to_fetch(arguments.model)) is not None:
        remark(f'fetching {url}')
    network = load_network(arguments.model, arguments.config)
    if arguments.input_size is not None:
        network = resize_network(network, arguments.input_size)
    if options is None:
        path = arguments.output or OUTPUT_FOLDER / f'{network.config.name}.safetensors'
        _write_checkpoint(network, find_model(arguments.model), path)
        say(str(path))
        return 0
    if arguments.build_only:
        say(str(_build_only(network, options, arguments.engine_cache_dir)))
        return 0
    name = f'{network.config.name}-{options.precision}{RUNTIMES[options.runtime].suffix}'
    path = arguments.output or OUTPUT_FOLDER / name
    remark(f'exporting to {path}')
    differences = export_network(network, path, options)
    if arguments.json:
        compared = [dataclasses.asdict(difference) for difference in differences]
        say_json({'path': str(path), 'precision': options.precision, 'differences': compared})
    else:
        _tell(path, differences)
    return 0


def _write_checkpoint(network: Yolact, source: Path, path: Path) -> None:
    """Write a checkpoint that says what its source says, but for figures of another size."""
    from yolact_core.checkpoints.checkpoint import read_checkpoint, save_checkpoint

    if path.suffix != '.safetensors':
        raise InputError(f'output must be a .safetensors file, got {str(path)!r}')
    facts = None
    if source.suffix == '.safetensors':
        _, config, facts = read_checkpoint(source)
        if config.name != network.config.name:
            facts = dataclasses.replace(facts, training={'resized_from': config.name})
    save_checkpoint(network, path, facts)


def _build_only(network: Yolact, options: ExportOptions, folder: Path | None) -> Path:
    from yolact_core.export.cache import find_or_build

    if options.runtime != 'tensorrt' or options.is_decoded:
        raise InputError('--build-only must be used with --format engine and without --decode')
    return find_or_build(network, options.precision, folder, options.calibration)


def _options(arguments: argparse.Namespace) -> ExportOptions | None:
    """Return what is written; None for a checkpoint, which has no options."""
    from yolact_core.export import PRECISIONS, ExportOptions

    if arguments.build_only and arguments.input_size is not None:
        raise InputError(
            '--build-only must be used without --input-size: write a checkpoint of that size, '
            'build the engine of it, and give it to the node'
        )
    if arguments.format == CHECKPOINT:
        _refuse_options_of_other_formats(arguments)
        return None
    runtime = FORMATS[arguments.format].runtime
    is_usual = arguments.precision == 'auto'
    return ExportOptions(
        runtime=runtime,
        precision=PRECISIONS[runtime][0] if is_usual else arguments.precision,
        calibration=arguments.calibration,
        is_decoded=arguments.decode,
    )


def _refuse_options_of_other_formats(arguments: argparse.Namespace) -> None:
    given = {
        '--precision': arguments.precision != 'auto',
        '--calibration': arguments.calibration is not None,
        '--decode': arguments.decode,
        '--build-only': arguments.build_only,
        '--engine-cache-dir': arguments.engine_cache_dir is not None,
        '--json': arguments.json,
    }
    if any(given.values()):
        raise InputError(
            f'--format {CHECKPOINT} must be used without '
            f'{", ".join(name for name, is_given in given.items() if is_given)}'
        )


def _tell(path: Path, differences: list[Difference]) -> None:
    from rich.table import Table

    say(str(path))
    if not differences:
        say('not compared with PyTorch: there is no GPU here to run it on')
        return
    table = Table('output', box=None, pad_edge=False)
    for heading in ('mean difference', 'largest difference', 'mean magnitude'):
        table.add_column(heading, justify='right')
    for entry in differences:
        figures = (entry.mean, entry.largest, entry.magnitude)
        table.add_row(entry.output, *(f'{figure:.2g}' for figure in figures))
    say_table(table)
