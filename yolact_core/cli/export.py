"""``yolact export``: a model as a file that ONNX Runtime, OpenVINO, ncnn or TensorRT reads."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolact_core.cli.terminal import remark, say, say_json, say_table
from yolact_core.errors import InputError

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
        choices=tuple(FORMATS),
        required=True,
        help='; '.join(f'{name}: {entry.summary}' for name, entry in FORMATS.items()),
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
        help=f'file to write; default: {OUTPUT_FOLDER}/CONFIGURATION-PRECISION.SUFFIX',
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
    from yolact_core.backends.runtimes import RUNTIMES
    from yolact_core.checkpoint import load_network
    from yolact_core.export import export_network
    from yolact_core.model_zoo import url_to_fetch

    options = _options(arguments)
    if (url := url_to_fetch(arguments.model)) is not None:
        remark(f'fetching {url}')
    network = load_network(arguments.model, arguments.config)
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


def _build_only(network: Yolact, options: ExportOptions, folder: Path | None) -> Path:
    from yolact_core.export.cache import find_or_build

    if options.runtime != 'tensorrt' or options.is_decoded:
        raise InputError('--build-only must be used with --format engine and without --decode')
    return find_or_build(network, options.precision, folder, options.calibration)


def _options(arguments: argparse.Namespace) -> ExportOptions:
    from yolact_core.export import PRECISIONS, ExportOptions

    runtime = FORMATS[arguments.format].runtime
    is_usual = arguments.precision == 'auto'
    return ExportOptions(
        runtime=runtime,
        precision=PRECISIONS[runtime][0] if is_usual else arguments.precision,
        calibration=arguments.calibration,
        is_decoded=arguments.decode,
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
