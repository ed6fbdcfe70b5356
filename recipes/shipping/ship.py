"""From a trained checkpoint to the file that the package ships."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.shipping.card import credits_of
from yolact_core.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from yolact_core.cli.options import argument, option
from yolact_core.terminal import say

MOST_BYTES = 25_000_000
FOLDERS = re.compile(r'(?<![\w.:/])/(?:[^/\s:]+/)*')  # of an absolute path


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``ship``."""

    checkpoint: Path = argument('trained checkpoint')
    output: Path = argument('file that ships; its name is that of the model')
    figures: tuple[Path, ...] = option(
        'what `yolact evaluate --output` wrote, each named after what was evaluated on',
        nargs='+',
        required=True,
    )
    credits: tuple[Path, ...] = option(
        'Markdown files: authors and licences of the data', nargs='+', required=True
    )
    license: str | None = option('terms of the model (default: those of the checkpoint)')


def run(options: Options) -> None:
    """Put a trained checkpoint where the package ships it, with what was measured inside."""
    ship(options)
    say(f'{options.output}: {options.output.stat().st_size / 1e6:.1f} MB')


def ship(options: Options) -> None:
    """Write a model with its figures, and the credits of its data beside it.

    Kernels are rounded to half precision, which halves the file; they are read back as float32.
    Of paths only the names stay: where they were is nobody's business.

    Raises:
        SystemExit: The file is too large.
    """
    network, facts = load_checkpoint(options.checkpoint)
    figures = {path.stem: json.loads(path.read_text()) for path in options.figures}
    training = without_folders({**facts.training, 'evaluation': figures})
    terms = facts.license if options.license is None else options.license
    output = options.output
    network.config = network.config.replace(name=output.stem)
    for weight in network.parameters():
        if weight.ndim > 1:  # norms and biases keep their range
            weight.data = weight.data.half()
    output.parent.mkdir(parents=True, exist_ok=True)
    facts = dataclasses.replace(facts, training=training, license=terms)
    save_checkpoint(network, output, facts)
    texts = [path.read_text().strip() for path in options.credits]
    credits_of(output).write_text('\n\n'.join(texts) + '\n')
    size = output.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f'{output} must have at most {MOST_BYTES} bytes, got {size}')


def without_folders(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return facts in which absolute paths are file names alone."""
    if isinstance(value, dict):
        return {key: without_folders(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(one) for one in value]
    return FOLDERS.sub('', value) if isinstance(value, str) else value
