"""Put a trained checkpoint where the package ships it, with what was measured inside.

Kernels are rounded to half precision, which halves the file; they are read back as float32.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from yolact_core.checkpoints.checkpoint import load_checkpoint, save_checkpoint

MOST_BYTES = 25_000_000


def ship(checkpoint: Path, output: Path, evaluations: dict[str, Path], credits_file: Path) -> None:
    """Write a model with its figures, and the credits of its data beside it.

    Args:
        checkpoint: As trained.
        output: The file that ships; its stem is the name of the model.
        evaluations: Files of ``yolact evaluate --output`` by the name of what was evaluated on.
        credits_file: Authors and licences of the data.

    Raises:
        SystemExit: The file is too large.
    """
    network, facts = load_checkpoint(checkpoint)
    figures = {name: json.loads(path.read_text()) for name, path in evaluations.items()}
    training = {**facts.training, 'evaluation': figures}
    network.config = network.config.replace(name=output.stem)
    for weight in network.parameters():
        if weight.ndim > 1:  # half the file; norms and biases keep their range
            weight.data = weight.data.half()
    output.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(network, output, dataclasses.replace(facts, training=training))
    (output.parent / 'CREDITS.md').write_text(credits_file.read_text())
    size = output.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f'{output} must have at most {MOST_BYTES} bytes, got {size}')


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('checkpoint', type=Path, help='as trained')
    parser.add_argument('output', type=Path, help='file that ships')
    parser.add_argument('--credits', type=Path, required=True, help='of the object models')
    parser.add_argument('--rendered', type=Path, required=True, help='figures on rendered rooms')
    parser.add_argument('--real', type=Path, required=True, help='figures on real pictures')
    arguments = parser.parse_args()
    evaluations = {'rendered': arguments.rendered, 'real': arguments.real}
    ship(arguments.checkpoint, arguments.output, evaluations, arguments.credits)
    parser.exit(message=f'{arguments.output}: {arguments.output.stat().st_size / 1e6:.1f} MB\n')


if __name__ == '__main__':
    main()
