"""``yolact bag``: a table of actions, each a module."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from yolact_ros.bag.commands import compare as command_compare
from yolact_ros.bag.commands import evaluate as command_evaluate
from yolact_ros.bag.commands import info as command_info
from yolact_ros.bag.commands import run as command_run

SUMMARY = 'replay, evaluate and compare on recorded bags'


class Action(NamedTuple):
    """One action.

    Attributes:
        name: As it is typed.
        module: Has ``add_arguments(parser)`` and ``run(arguments) -> int``, the exit status.
        summary: One line for the help.
    """

    name: str
    module: object
    summary: str


TABLE = (
    Action('info', command_info, 'say what is in a bag, and what of it can be used'),
    Action('run', command_run, 'find instances in every image, and write a bag of results'),
    Action('evaluate', command_evaluate, 'measure precision, steadiness and speed on a bag'),
    Action('compare', command_compare, 'tell whether one model is better than another'),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    subparsers = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    for action in TABLE:
        subparser = subparsers.add_parser(
            action.name,
            help=action.summary,
            description=f'{action.summary[0].upper()}{action.summary[1:]}.',
            formatter_class=parser.formatter_class,
        )
        action.module.add_arguments(subparser)  # type: ignore[attr-defined]


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for.

    Returns:
        0; 1 where a limit is broken; 2 where something of the bag could not be read.
    """
    action = next(entry for entry in TABLE if entry.name == arguments.action)
    status: int = action.module.run(arguments)  # type: ignore[attr-defined]
    return status
