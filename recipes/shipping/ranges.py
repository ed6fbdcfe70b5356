"""What int8 needs to know of a model, measured on pictures and written into its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from yolact_core.checkpoints.checkpoint import (
    RANGES,
    load_checkpoint,
    ranges_by_key,
    read_checkpoint,
    write_checkpoint,
)
from yolact_core.cli.options import argument, option
from yolact_core.quantization.calibration import calibrate
from yolact_core.terminal import say


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``ranges``."""

    model: Path = argument('checkpoint into which they are written; its weights stay as they are')
    images: Path = option('folder of pictures like those that will be seen', required=True)
    exact: tuple[str, ...] = option(
        'starts of the names of values that int8 shall not round', (), nargs='+'
    )


def run(options: Options) -> None:
    """Measure the ranges of the values in a network, and write them into the checkpoint."""
    network, facts = load_checkpoint(options.model)
    calibrate(network, options.images)
    network.ranges = {
        name: values
        for name, values in network.ranges.items()
        if not name.startswith(options.exact)
    }
    tensors, config, _ = read_checkpoint(options.model)
    weights = {key: value for key, value in tensors.items() if not key.startswith(RANGES)}
    write_checkpoint(weights | ranges_by_key(network), config, facts, options.model)
    say(f'{options.model}: ranges of {len(network.ranges)} values')
