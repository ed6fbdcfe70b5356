"""``yolact train``: a network on pictures of the user's own."""

from __future__ import annotations

import json
import logging
import signal
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from yolact_core.cli.options import argument, option
from yolact_core.errors import TERMINATED, InputError
from yolact_core.terminal import say, say_json

FIGURES = 'figures.json'
NEEDED = ('lightning', 'pycocotools', 'tensorboard')


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact train`` can be asked for."""

    run: Path = argument('what is trained on what', metavar='RUN.yaml')
    changes: tuple[str, ...] = argument(
        'instead of what the file says, such as optimizer.learning_rate=0.01',
        nargs='*',
        metavar='key=value',
    )
    json: bool = option('print the figures for a program', False)


def run(options: Options) -> int:
    """Train, and print what was reached."""
    from yolact_core.training import load_run

    config = load_run(options.run, options.changes)
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
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Lightning ends between two steps
    try:
        figures = train(config)
    except SIGTERMException:  # its own status is 0: a script would take the training for done
        return TERMINATED
    if getattr(rank_zero_only, 'rank', 0):  # only the first process prints
        return 0
    output = Path(config.output)
    (output / FIGURES).write_text(json.dumps(figures, indent=2))
    if options.json:
        say_json(figures)
        return 0
    best = figures.get('best')
    skipped = f', of which {figures["skipped"]} were skipped' if figures['skipped'] else ''
    say(f'trained {figures["steps"]} steps in {figures["minutes"]} minutes{skipped}')
    if best:
        say(f'best mask AP {best["mask_ap"]}, AP50 {best["mask_ap50"]} at step {best["step"]}')
    say(f'written to {output}')
    return 0
