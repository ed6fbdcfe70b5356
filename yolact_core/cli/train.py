"""``yolact train``."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from importlib.util import find_spec
from pathlib import Path

from yolact_core.errors import InputError
from yolact_core.terminal import say, say_json
from yolact_core.training import load_run

FIGURES = 'figures.json'
NEEDED = ('lightning', 'pycocotools', 'tensorboard')
TERMINATED = 143  # as a shell reports the signal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument('run', type=Path, metavar='RUN.yaml', help='what is trained on what')
    parser.add_argument(
        'changes',
        nargs='*',
        metavar='key=value',
        help='instead of what the file says, such as optimizer.learning_rate=0.01',
    )
    parser.add_argument('--json', action='store_true', help='print the figures for a program')


def run(arguments: argparse.Namespace) -> int:
    """Train, and say what was reached."""
    config = load_run(arguments.run, arguments.changes)
    logging.basicConfig(stream=sys.stderr, format='%(asctime)s %(message)s', datefmt='%H:%M:%S')
    logging.getLogger('yolact_core').setLevel(logging.INFO)
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        raise InputError(
            f'training must have the package {missing[0]}: pip install "yolact[train]"'
        )
    from lightning.pytorch.utilities import rank_zero_only
    from lightning.pytorch.utilities.exceptions import SIGTERMException

    from yolact_core.training.trainer import train

    logging.getLogger('lightning.pytorch').setLevel(logging.WARNING)
    try:
        figures = train(config)
    except SIGTERMException:  # its own status is 0: a script would take the training for done
        return TERMINATED
    if getattr(rank_zero_only, 'rank', 0):  # the first process tells
        return 0
    output = Path(config.output)
    (output / FIGURES).write_text(json.dumps(figures, indent=2))
    if arguments.json:
        say_json(figures)
        return 0
    best = figures.get('best')
    say(f'trained {figures["steps"]} steps in {figures["minutes"]} minutes')
    if best:
        say(f'best mask AP {best["mask_ap"]}, AP50 {best["mask_ap50"]} at step {best["step"]}')
    say(f'written to {output}')
    return 0
