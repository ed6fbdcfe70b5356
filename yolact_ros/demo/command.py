"""The command line of the demo, and the order of events."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

from yolact_core.checkpoints.model_zoo import find_model, shipped_models
from yolact_core.cli.status import BAD_INPUT, INTERRUPTED
from yolact_core.errors import InputError
from yolact_core.terminal import complain, say
from yolact_ros.bag.io.types import require_rosbags
from yolact_ros.demo.programs import Program, ProgramError, find_package
from yolact_ros.demo.recorder import NAMESPACE
from yolact_ros.demo.report import RESULTS, forget, report
from yolact_ros.signals import stop_on_signals

FAILED = 1
DEFAULT_MODEL = 'indoor'
DEFAULT_SECONDS = 36.0  # the bag three times
LONGEST_START = 900.0  # seconds that the node has to load its model, and to export it before
LAST_RESULT = 20.0  # seconds that the node has for the last image
TICK = 0.1  # seconds
IN_NAMESPACE = ('--ros-args', '-r', f'__ns:={NAMESPACE}')


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo.

    Args:
        argv: The words of the command line, without the command. Default: those of this process.

    Returns:
        Exit status: 0 if all is well, 1 if a program failed, 2 for bad input, 130 after Ctrl-C.
    """
    try:
        arguments = _make_parser().parse_args(argv)
        _check(arguments)
        with stop_on_signals() as is_stopped:
            _play(arguments, is_stopped)
            return _finish(arguments.output, is_stopped)
    except ProgramError as error:
        sys.stderr.write(f'yolact: error: {error}\n')
        return FAILED
    except InputError as error:
        complain(str(error))
        return BAD_INPUT


def _finish(folder: Path, is_stopped: Callable[[], bool]) -> int:
    """Report what was recorded, and return the exit status.

    Raises:
        InputError: The demo ran to its end, but there is nothing to report.
    """
    try:
        report(folder)
    except InputError as error:
        if not is_stopped():
            raise
        complain(f'stopped too early: {error}')
    return INTERRUPTED if is_stopped() else 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m yolact_ros.demo',
        description='Play pictures of rooms to the node, record what it finds, and sum it up.',
    )
    parser.add_argument(
        '--model',
        default=DEFAULT_MODEL,
        help='shipped model, official name, or checkpoint (default: indoor)',
    )
    parser.add_argument('--backend', default='auto', help='runtime of the network (default: auto)')
    parser.add_argument(
        '--seconds',
        type=float,
        default=DEFAULT_SECONDS,
        metavar='S',
        help='how long the camera runs (default: 36)',
    )
    parser.add_argument(
        '--score-threshold',
        type=float,
        default=0.3,
        metavar='S',
        help='show instances with a score above it (default: 0.3)',
    )
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('out/demo'),
        metavar='DIR',
        help='folder of the results (default: out/demo)',
    )
    return parser


def _check(arguments: argparse.Namespace) -> None:
    """Refuse early what cannot work, and fetch the model if need be.

    Raises:
        InputError: Something is missing or out of range.
    """
    if not 0 < arguments.seconds <= 3600:
        raise InputError(f'seconds must be above 0 and at most 3600, got {arguments.seconds:g}')
    if not 0 <= arguments.score_threshold < 1:
        raise InputError(f'score_threshold must be in [0, 1), got {arguments.score_threshold:g}')
    require_rosbags()
    if arguments.model == DEFAULT_MODEL and DEFAULT_MODEL not in shipped_models():
        raise InputError(
            "model must be named, for 'indoor' does not ship with this version: "
            'make demo MODEL=FILE.safetensors, or MODEL=yolact_resnet50, which is fetched once'
        )
    find_model(arguments.model)


def _play(arguments: argparse.Namespace, is_stopped: Callable[[], bool]) -> None:
    """Run camera, node and recorder until the last image is answered, or until told to stop.

    Raises:
        ProgramError: One of them failed.
    """
    forget(arguments.output)
    programs = find_package() / 'lib' / 'yolact'
    say(
        f'{arguments.seconds:g} s of pictures of rooms, seen by {arguments.model}; '
        f'logs are in {arguments.output}/logs, Ctrl-C ends it early'
    )
    with ExitStack() as stack:
        bag = stack.enter_context(as_file(files('yolact_ros.demo') / 'rooms' / 'rooms.mcap'))

        def start(name: str, *words: object) -> Program:
            log = arguments.output / 'logs' / f'{name}.log'
            program = Program(name, [*map(str, words)], log)
            stack.callback(program.stop)
            return program

        results = arguments.output / RESULTS
        recorder = start('recorder', '-m', 'yolact_ros.demo.recorder', results)
        settings = {
            'model.name': arguments.model,
            'model.backend': arguments.backend,
            'score_threshold': arguments.score_threshold,
        }
        parameters = [w for name, value in settings.items() for w in ('-p', f'{name}:={value}')]
        node = start('node', programs / 'yolact_node', *IN_NAMESPACE, *parameters)
        player = start(
            'player',
            programs / 'yolact_player',
            bag,
            *('--loop', '--duration', arguments.seconds, '--wait', LONGEST_START),
            *('--as-camera', '--transport', 'raw', *IN_NAMESPACE),
        )
        _wait(recorder, node, player, is_stopped)


def _wait(
    recorder: Program, node: Program, player: Program, is_stopped: Callable[[], bool]
) -> None:
    """Wait for the end of the recording.

    Raises:
        ProgramError: A program ended before, or failed.
    """
    deadline = float('inf')
    while recorder.status is None:
        if is_stopped():
            return
        if time.monotonic() > deadline:
            raise node.complain(
                f'the node has not answered the last image within {LAST_RESULT:g} s'
            )
        time.sleep(TICK)
        if player.status == 0:
            deadline = min(deadline, time.monotonic() + LAST_RESULT)
        _check_alive(recorder, node, player, is_stopped)


def _check_alive(
    recorder: Program, node: Program, player: Program, is_stopped: Callable[[], bool]
) -> None:
    """Check that nothing has failed, unless the user has asked all of them to end.

    Raises:
        ProgramError: A program ended before its time, or failed.
    """
    errors = []
    if node.status is not None:
        errors.append(node.complain('the node has ended in the middle of the demo'))
    errors += [p.complain(f'the {p.name} has failed') for p in (player, recorder) if p.status]
    if errors and not is_stopped():
        raise errors[0]
