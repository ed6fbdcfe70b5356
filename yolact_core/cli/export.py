"""``yolact export``: a model for another runtime or another input size."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.cli.options import argument, option, whole_number
from yolact_core.errors import InputError
from yolact_core.runtimes.registry import RUNTIMES, export_formats
from yolact_core.terminal import remark, say, say_json, say_table

if TYPE_CHECKING:
    from yolact_core.network import Yolact
    from yolact_core.runtimes.comparison import OutputDifference
    from yolact_core.runtimes.export import ExportOptions

FORMATS = export_formats()
CHECKPOINT = 'checkpoint'
OUTPUT_FOLDER = Path('out/export')


def _formats_by_precision() -> Iterator[str]:
    """Say which formats have a precision that not all have, such as ``int8 of openvino``."""
    precisions = dict.fromkeys(one for runtime in FORMATS.values() for one in runtime.precisions)
    for precision in sorted(precisions, key=len):
        names = [name for name, runtime in FORMATS.items() if precision in runtime.precisions]
        if len(names) < len(FORMATS):
            yield f'{precision} of {" and ".join(names)}'


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact export`` can be asked for."""

    model: str = argument(
        'a name from "yolact models", or the path of a checkpoint', metavar='NAME_OR_FILE'
    )
    config: str | None = option(
        'configuration of a .pth file that is not named after it', metavar='NAME_OR_YAML'
    )
    format: str = option(
        '; '.join(f'{name}: {runtime.summary}' for name, runtime in FORMATS.items())
        + f'; {CHECKPOINT}: .safetensors, for this project',
        choices=(*FORMATS, CHECKPOINT),
        required=True,
    )
    input_size: int | None = option(
        'stretch images to so many pixels a side: more see smaller things and take longer '
        '(default: as the model was trained)',
        type=whole_number,
        metavar='PIXELS',
    )
    precision: str = option(
        f'float32; {"; ".join(_formats_by_precision())}. auto: float32, or float16 of an engine',
        'auto',
    )
    calibration: Path | None = option(
        'folder of 100 to 300 images of what will be seen, for int8 (default: ranges that the '
        'checkpoint has)',
        metavar='DIR',
    )
    output: Path | None = option(
        f'file to write; default: {OUTPUT_FOLDER}/CONFIGURATION-PRECISION.SUFFIX, or '
        'CONFIGURATION.safetensors',
        metavar='FILE',
    )
    decode: bool = option(
        'give boxes and scores in place of raw outputs: for other programs, not for this one',
        False,
    )
    candidates: int | None = option(
        'give so many priors of each image, the most promising, instead of all: less leaves the '
        'graph; take more than ever score above the threshold',
        type=whole_number,
        metavar='N',
    )
    build_only: bool = option(
        'put the engine where the node finds it when it starts, and print its path', False
    )
    engine_cache_dir: Path | None = option(
        'of --build-only: the folder that the node is given; default: engines in the cache',
        metavar='DIR',
    )
    json: bool = option('write the comparison as JSON', False)

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            InputError: Two of them do.
        """
        if self.build_only and self.input_size is not None:
            raise InputError(
                '--build-only must be used without --input-size: write a checkpoint of that '
                'size, build the engine of it, and give it to the node'
            )
        given = {
            '--precision': self.precision != 'auto',
            '--decode': self.decode,
            '--candidates': self.candidates is not None,
            '--build-only': self.build_only,
            '--engine-cache-dir': self.engine_cache_dir is not None,
            '--json': self.json,
        }
        if self.format == CHECKPOINT and any(given.values()):
            raise InputError(
                f'--format {CHECKPOINT} must be used without '
                f'{", ".join(name for name, is_given in given.items() if is_given)}'
            )


def run(options: Options) -> int:
    """Write the file and show how far its outputs are from PyTorch's."""
    from yolact_core.checkpoints.checkpoint import load_network
    from yolact_core.checkpoints.model_zoo import find_model, url_to_fetch
    from yolact_core.network import resize_network
    from yolact_core.quantization.calibration import calibrate

    options.check()
    export = _export_options(options) if options.format != CHECKPOINT else None
    if (url := url_to_fetch(options.model)) is not None:
        remark(f'fetching {url}')
    network = load_network(options.model, options.config)
    if options.input_size is not None:
        network = resize_network(network, options.input_size)
    if export is None:
        if options.calibration:
            calibrate(network, options.calibration)
        path = options.output or OUTPUT_FOLDER / f'{network.config.name}.safetensors'
        _write_checkpoint(network, find_model(options.model), path)
        say(str(path))
    elif options.build_only:
        say(str(_build_only(network, export, options.engine_cache_dir)))
    else:
        _export(network, export, options)
    return 0


def _export_options(options: Options) -> ExportOptions:
    from yolact_core.runtimes.export import ExportOptions

    runtime = FORMATS[options.format]
    return ExportOptions(
        runtime=runtime.name,
        precision=runtime.precisions[0] if options.precision == 'auto' else options.precision,
        calibration=options.calibration,
        is_decoded=options.decode,
        candidates=options.candidates,
    )


def _export(network: Yolact, export: ExportOptions, options: Options) -> None:
    from yolact_core.runtimes.export import export_network

    name = f'{network.config.name}-{export.precision}{RUNTIMES[export.runtime].suffix}'
    path = options.output or OUTPUT_FOLDER / name
    remark(f'exporting to {path}')
    differences = export_network(network, path, export)
    if options.json:
        compared = [dataclasses.asdict(difference) for difference in differences]
        say_json({'path': str(path), 'precision': export.precision, 'differences': compared})
    else:
        _tell(path, differences)


def _write_checkpoint(network: Yolact, source: Path, path: Path) -> None:
    """Write a checkpoint that says what its source says, but for figures of another size.

    Weights stay as they are stored there, in half precision for instance.
    """
    from yolact_core.checkpoints.checkpoint import (
        ranges_by_key,
        read_checkpoint,
        save_checkpoint,
        write_checkpoint,
    )
    from yolact_core.checkpoints.state_dicts import holds_safetensors

    if path.suffix != '.safetensors':
        raise InputError(f'output must be a .safetensors file, got {str(path)!r}')
    if not holds_safetensors(source):
        save_checkpoint(network, path)
        return
    weights, config, facts = read_checkpoint(source)
    if config.name != network.config.name:
        facts = dataclasses.replace(facts, training={'resized_from': config.name})
    write_checkpoint(weights | ranges_by_key(network), network.config, facts, path)


def _build_only(network: Yolact, export: ExportOptions, folder: Path | None) -> Path:
    from yolact_core.quantization.calibration import calibrate

    runtime = RUNTIMES[export.runtime]
    if not runtime.builder or export.is_decoded or export.candidates:
        raise InputError(
            '--build-only must be used with --format engine and without --decode and --candidates'
        )
    if export.calibration:
        calibrate(network, export.calibration)
    return runtime.find_or_build(network, export.precision, folder)


def _tell(path: Path, differences: list[OutputDifference]) -> None:
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
