"""The commands of ``yolact``: a table, each a module that is imported when asked for."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from yolact_core import __version__
from yolact_core.cli.options import Parser, add_options, read_options
from yolact_core.terminal import say


class Command(NamedTuple):
    """One command.

    Its module has ``Options``, a dataclass as ``yolact_core.cli.options`` reads it, and
    ``run(options) -> int``, which returns the exit status; or ``ACTIONS``, a table whose rows are
    commands again, or ``Action`` where all are at home in one module.

    Attributes:
        name: Word that is typed.
        module: Name of the module, imported when the command is asked for.
        summary: One line for the help.
    """

    name: str
    module: str
    summary: str


COMMANDS = (
    Command('detect', 'yolact_core.cli.detect', 'find instances in images, videos, a camera'),
    Command('train', 'yolact_core.cli.train', 'train a network on pictures of your own'),
    Command('evaluate', 'yolact_core.cli.evaluate', 'measure average precision and speed'),
    Command('export', 'yolact_core.cli.export', 'write a model for another runtime or size'),
    Command('benchmark', 'yolact_core.cli.benchmark', 'time models and runtimes side by side'),
    Command('dataset', 'yolact_core.cli.dataset', 'check, describe or convert a data set'),
    Command('prototypes', 'yolact_core.cli.prototypes', 'draw what masks are made of'),
    Command('models', 'yolact_core.cli.models', 'list the models, or look into a checkpoint'),
    Command('doctor', 'yolact_core.cli.doctor', 'check this machine, say what to install'),
)
COMMAND_GROUP = 'yolact.commands'  # entry points of other packages: a module with SUMMARY


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Gives the defaults, but not those that say nothing."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action.choices, dict):  # argparse forgets how far commands are indented
            widest = max(map(len, action.choices))
            self._action_max_length = max(self._action_max_length, widest + 4)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or action.default == ():
            return action.help
        if isinstance(action.default, tuple):
            return f'{action.help} (default: {",".join(map(str, action.default))})'
        return super()._get_help_string(action)


def run_command(argv: list[str]) -> int:
    """Run the command that is asked for, and return its exit status.

    Args:
        argv: Words of the command line, without the program.

    Raises:
        InputError: The words, or what they name, are not as they must be.
    """
    parser = _make_parser(argv)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit:  # --help and --version have answered
        return 0
    if arguments.command is None:
        say(parser.format_help().rstrip())
        return 0
    options, run = arguments.options_and_run
    status: int = run(read_options(options, arguments))
    return status


def _make_parser(argv: list[str]) -> Parser:
    """Make the parser, with the options of that command only which is asked for."""
    parser = Parser(
        prog='yolact',
        description='Instance segmentation with YOLACT.',
        epilog='"yolact COMMAND --help" tells all about one command.',
        formatter_class=_Formatter,
    )
    parser.add_argument('--version', action='version', version=f'yolact {__version__}')
    subparsers = parser.add_subparsers(dest='command', metavar='COMMAND', title='commands')
    asked = [word for word in argv if not word.startswith('-')]
    for command in list_commands(asked[0] if asked else None):
        _add_command(subparsers, command, asked)
    return parser


def list_commands(asked: str | None) -> tuple[Command, ...]:
    """Return the commands of the core, then those that other packages add as entry points.

    Others are looked for only where the core has no such command, as that takes time.

    Args:
        asked: Name of the command that was asked for, if any.
    """
    if any(command.name == asked for command in COMMANDS):
        return COMMANDS
    return COMMANDS + tuple(
        Command(name, module, import_module(module).SUMMARY)
        for name, module in _find_entry_points(COMMAND_GROUP).items()
    )


def _find_entry_points(group: str) -> dict[str, str]:
    """Return the names in a group of entry points, and what they stand for.

    ``importlib.metadata`` takes three times as long, and where two packages have one name, as
    the yolact of ROS and that of pip, it reads the entry points of one of them only.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        for path in Path(folder).glob('*-info/entry_points.txt'):
            text = path.read_text(encoding='utf-8', errors='replace')  # others' files, too
            _, _, section = text.partition(f'[{group}]')
            lines = section.partition('\n[')[0].splitlines()
            pairs = (line.split('=', 1) for line in lines if '=' in line)
            found |= {name.strip(): value.strip() for name, value in pairs}
    return found


def _add_command(subparsers: Any, command: Command, asked: list[str]) -> None:  # noqa: ANN401
    """Add a command, with its options if it is the one that is asked for."""
    parser = _add_parser(subparsers, command.name, command.summary)
    if asked[:1] == [command.name]:
        _describe(parser, import_module(command.module), asked[1:])


def _describe(parser: argparse.ArgumentParser, module: ModuleType, asked: list[str]) -> None:
    """Describe the options of a command, or of its actions."""
    if hasattr(module, 'ACTIONS'):
        subparsers = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
        for action in module.ACTIONS:
            if isinstance(action, Command):
                _add_command(subparsers, action, asked)
                continue
            subparser = _add_parser(subparsers, action.name, action.summary, action.description)
            if asked[:1] == [action.name]:
                add_options(subparser, action.options)
                subparser.set_defaults(options_and_run=(action.options, action.run))
    else:
        add_options(parser, module.Options)
        parser.set_defaults(options_and_run=(module.Options, module.run))


def _add_parser(
    subparsers: Any,  # noqa: ANN401 - argparse names no public type
    name: str,
    summary: str,
    description: str = '',
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=description or f'{summary[0].upper()}{summary[1:]}.',
        formatter_class=_Formatter,
    )
    return parser
